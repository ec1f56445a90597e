//! Networks: numbers in, numbers out. Knows nobody.

mod constants;
mod float;
mod model;
mod tract;
mod unfold;

pub use model::{Model, ModelError};
pub use tract::Tract;

/// A network with one input and some outputs, all of fixed shapes.
pub trait Network: Send + Sync {
    /// Runs it; every output row by row, in the model's order.
    fn run(&self, input: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError>;
}

/// What went wrong in a network.
#[derive(Debug, thiserror::Error)]
#[error("the {network} network failed: {reason}")]
pub struct NetworkError {
    /// Which.
    pub network: &'static str,
    /// The inference engine's words.
    pub reason: String,
}
