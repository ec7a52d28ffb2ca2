//! The way to the service and to whoever gives credentials: where calls go, in which region, trusting whom.

use std::path::Path;
use std::time::Duration;

use super::flags::Network;
use super::{DEFAULT_ENDPOINT, Settings};
use crate::call::{ClientConfig, TIMEOUT};
use crate::credentials::{Provider, Reach};
use crate::error::{Error, Kind, Result};
use crate::net::endpoint::Endpoint;
use crate::net::proxy::Proxy;
use crate::net::trust::Authorities;
use crate::wire::sign::Version;

impl Settings {
    /// Who is trusted instead of the system's authorities.
    ///
    /// # Errors
    /// `config` for a file of certificates that is none.
    pub(crate) fn authorities(&self) -> Result<Option<Authorities>> {
        self.ca_file().map(Authorities::read).transpose()
    }

    pub(super) fn ca_file(&self) -> Option<&Path> {
        self.flags.ca_file.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// What whoever signs in reaches, and how.
    ///
    /// # Errors
    /// `config` for a file of certificates that is none.
    pub(crate) fn reach(&self) -> Result<Reach> {
        let given = |flag: &Option<String>| flag.clone().filter(|text| !text.is_empty());
        let only_v2 = self.around.env.get("ALIBABA_CLOUD_IMDSV1_DISABLED");
        let vpc = self.region().filter(|_| self.flags.endpoint_type == Some(Network::Vpc));
        Ok(Reach {
            authorities: self.authorities()?,
            vpc: vpc.map(str::to_owned),
            env: self.around.env.clone(),
            sts: given(&self.flags.sts_endpoint),
            metadata: given(&self.flags.metadata_endpoint),
            only_v2: only_v2
                .is_some_and(|value| matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes")),
            patience: [self.timeout(), self.flags.connect_timeout.unwrap_or(Duration::from_secs(5))],
        })
    }

    /// The endpoint of a flag or the environment.
    pub(super) fn given_endpoint(&self) -> Result<Option<Endpoint>> {
        let given = self.flags.endpoint.as_deref().filter(|text| !text.is_empty());
        given.map(Endpoint::parse).transpose()
    }

    /// Where calls go: the flag's or environment's endpoint, then the profile's, then the service's.
    ///
    /// # Errors
    /// `config` for what is not a URL.
    pub(crate) fn endpoint(&self) -> Result<Endpoint> {
        match self.given_endpoint()? {
            Some(given) => Ok(given),
            None if self.flags.endpoint_type == Some(Network::Vpc) => match self.region() {
                Some(region) => Endpoint::parse(&format!("https://retailcloud-vpc.{region}.aliyuncs.com")),
                None => Err(Error::new(Kind::Config, "--endpoint-type vpc needs the region, which is not given")
                    .hint("add --region, such as --region cn-hangzhou")),
            },
            None => Endpoint::parse(self.found().endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT)),
        }
    }

    /// The region sent with every call, where one is configured.
    pub(crate) fn region(&self) -> Option<&str> {
        let given = self.flags.region.as_deref().filter(|text| !text.is_empty());
        given.or_else(|| self.found().region.as_deref())
    }

    /// The longest that one attempt may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.flags.timeout.unwrap_or(TIMEOUT)
    }

    /// The signature that calls carry.
    pub(crate) fn signature(&self) -> Version {
        self.flags.signature.unwrap_or_default()
    }

    /// What a client of this endpoint needs to know beside who signs.
    ///
    /// # Errors
    /// `config` when a variable that names the proxy on the way does not.
    pub(crate) fn client(&self, endpoint: Endpoint, credentials: Provider) -> Result<ClientConfig> {
        if !endpoint.is_private() && self.flags.insecure_http != Some(true) {
            let why = format!("{endpoint} is reached without encryption, and not on this machine");
            return Err(Error::new(Kind::Config, why)
                .hint("write https://, or add --insecure-http if everybody on the way may read it"));
        }
        let proxy = Proxy::for_endpoint(&self.around.env, &endpoint)?;
        let usual = ClientConfig::new(endpoint, credentials);
        Ok(ClientConfig {
            proxy,
            authorities: self.authorities()?,
            timeout: self.timeout(),
            connect_timeout: self.flags.connect_timeout.unwrap_or(usual.connect_timeout),
            concurrency: self.flags.concurrency.map_or(usual.concurrency, usize::from),
            rate: self.flags.rate,
            deadline: self.deadline,
            signature: self.signature(),
            ..usual
        })
    }
}
