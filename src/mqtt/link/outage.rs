//! Why there is no connection: one sentence for the log, one code for the status.

use std::io;

/// Why a connection ended or did not come about.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(not(feature = "tls"), allow(dead_code))] // Nobody shows a certificate.
pub enum Outage {
    /// Nobody answers there.
    #[error("cannot be reached: {0}")]
    Unreachable(io::Error),
    /// The broker hung up.
    #[error("has closed the connection")]
    Closed,
    /// Nothing came in time.
    #[error("does not answer")]
    Stalled,
    /// Wrong user or password, or not allowed in.
    #[error("does not let this client in; see mqtt.username and mqtt.password_file")]
    LoginRefused,
    /// Another client uses our name.
    #[error("let another client of the same mqtt.client_id in instead")]
    TakenOver,
    /// Something else it does not like.
    #[error("refuses the connection: {0}")]
    Refused(String),
    /// Its certificate is out of date, or our clock is wrong.
    #[error(
        "has a certificate that has expired or is not valid yet; or the clock of this machine is wrong"
    )]
    CertificateExpired,
    /// Nobody we trust vouches for its certificate.
    #[error("has a certificate of an authority that is not trusted; see mqtt.tls.ca_file")]
    CertificateUntrusted,
    /// Its certificate is another's.
    #[error("has a certificate of another name; see mqtt.host and mqtt.tls.server_name")]
    CertificateName,
    /// It does not like our certificate, or wants one.
    #[error("refuses this client's certificate ({0}); see mqtt.tls.certificate_file")]
    CertificateRefused(String),
    /// Anything else about encryption.
    #[error("cannot be spoken to in private: {0}")]
    Tls(String),
    /// Our own secret.
    #[error("{0}")]
    Password(String),
    /// It does not keep to MQTT.
    #[error("does not keep to MQTT: {0}")]
    Protocol(String),
}

impl Outage {
    /// For the status, in snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "broker_unreachable",
            Self::Closed => "broker_closed",
            Self::Stalled => "broker_stalled",
            Self::LoginRefused => "login_refused",
            Self::TakenOver => "client_id_taken",
            Self::Refused(_) => "broker_refused",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateUntrusted => "certificate_untrusted",
            Self::CertificateName => "certificate_name",
            Self::CertificateRefused(_) => "certificate_refused",
            Self::Tls(_) => "tls",
            Self::Password(_) => "password_unreadable",
            Self::Protocol(_) => "protocol",
        }
    }

    /// Of the socket; what TLS has to say may be wrapped in it.
    pub(super) fn of_io(error: io::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(outage) = super::tls::told_by(&error) {
            return outage;
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Closed,
            io::ErrorKind::TimedOut => Self::Stalled,
            _ => Self::Unreachable(error),
        }
    }
}
