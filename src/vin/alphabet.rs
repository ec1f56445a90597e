//! The 33 characters.

/// The 33 characters of a VIN, in the order that every table of this crate and the networks use.
/// I, O and Q are barred everywhere (ISO 3779).
pub const ALPHABET: &[u8; 33] = b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ";

/// No index into [`ALPHABET`].
const NONE: u8 = u8::MAX;

/// Index into [`ALPHABET`] by byte.
const INDICES: [u8; 256] = {
    let mut indices = [NONE; 256];
    let mut index = 0;
    while index < ALPHABET.len() {
        indices[ALPHABET[index] as usize] = index as u8;
        index += 1;
    }
    indices
};

/// Index into [`ALPHABET`]; none for what no VIN may hold, lower case included.
pub(crate) const fn index_of(byte: u8) -> Option<usize> {
    let index = INDICES[byte as usize];
    if index == NONE {
        None
    } else {
        Some(index as usize)
    }
}
