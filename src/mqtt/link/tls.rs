//! Encryption through rustls. The broker's certificate is always verified.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rumqttc::{TlsConfiguration, TlsError, Transport};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::{Outage, Tls};

/// As configured; the files are read anew for each connection, so that they can be renewed.
pub(super) fn transport(tls: &Tls) -> Result<Transport, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Arc::new(roots(tls.ca_file.as_deref())?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| error.to_string())?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &tls.server_name {
        None => builder.with_webpki_verifier(verifier),
        Some(name) => {
            let name = ServerName::try_from(name.clone())
                .map_err(|error| format!("mqtt.tls.server_name {name}: {error}"))?;
            let named = Named {
                name,
                verifier,
                provider,
            };
            // "Dangerous" is to verify by other rules; these are the usual ones, for another name.
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(named))
        }
    };
    let config = match (&tls.certificate_file, &tls.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| format!("mqtt.tls.key_file {}: {error}", key.display()))?;
            builder
                .with_client_auth_cert(certificates("certificate_file", certificate)?, key)
                .map_err(|error| {
                    format!(
                        "mqtt.tls.certificate_file {}: {error}",
                        certificate.display()
                    )
                })?
        }
        _ => return Err("mqtt.tls.certificate_file and key_file belong together".into()),
    };
    Ok(Transport::Tls(TlsConfiguration::Rustls(Arc::new(config))))
}

/// Who may vouch for a broker.
fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let trusted = match file {
        Some(file) => certificates("ca_file", file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted);
    if roots.is_empty() {
        return Err(
            "no authority to trust: this system has none, or mqtt.tls.ca_file holds none".into(),
        );
    }
    Ok(roots)
}

fn certificates(key: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| format!("mqtt.tls.{key} {}: {error}", file.display()))
}

/// Verifies as usual, but for a name of its own instead of the host's.
#[derive(Debug)]
struct Named {
    name: ServerName<'static>,
    verifier: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier
            .verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What became of a handshake.
pub(super) fn outage(error: TlsError) -> Outage {
    match error {
        TlsError::Io(error) => Outage::of_io(error),
        TlsError::TLS(error) => of_rustls(&error),
        other => Outage::Tls(other.to_string()),
    }
}

/// What TLS says through an error of the socket.
pub(super) fn told_by(error: &io::Error) -> Option<Outage> {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
        .map(of_rustls)
}

fn of_rustls(error: &Error) -> Outage {
    match error {
        Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => Outage::CertificateExpired,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Outage::CertificateName,
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => Outage::CertificateUntrusted,
        Error::AlertReceived(alert) => Outage::CertificateRefused(format!("{alert:?}")),
        other => Outage::Tls(other.to_string()),
    }
}
