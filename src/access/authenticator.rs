//! Authentication as configured, with what it remembers: request counts and rate limits.

use std::{
    borrow::Cow,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    authorization_header::{AuthorizationHeader, PresentedCredential},
    caller::Caller,
    error::AccessError,
    network::network,
    rate_limit::{Allowance, RateLimits},
    tokens::{self, Runtime, TokenVerifier},
};
use crate::{
    config::{self, Rate},
    jwt,
    secret::ApiKey,
};

/// Authenticates callers.
pub struct Authenticator {
    /// The configuration.
    pub config: config::AccessRules,
    /// What verifying tokens needs.
    pub runtime: Runtime,
    tokens: Option<TokenVerifier>,
    /// Where clients learn who issues tokens.
    metadata: String,
    limits: RateLimits,
    /// How many requests were admitted by a token.
    by_token: Arc<AtomicU64>,
    /// How many requests each key has admitted.
    admitted: Vec<Arc<AtomicU64>>,
    /// How many requests were refused.
    denied: Arc<AtomicU64>,
}

/// A request that was refused, and its caller if that is known.
pub struct Refused {
    /// The caller whose rate limit is used up.
    pub caller: Option<Caller>,
    /// The reason.
    pub error: AccessError,
}

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        Self { caller: None, error }
    }
}

impl Authenticator {
    /// Authenticates as `config` says. The counts of the `former` one continue.
    pub fn new(config: config::AccessRules, runtime: Runtime, former: Option<&Self>) -> Self {
        let count = |key: &config::CallerKey| {
            let index = former?.config.keys.iter().position(|old| old.name == key.name)?;
            former?.admitted.get(index).cloned()
        };
        let admitted = config.keys.iter().map(|key| count(key).unwrap_or_default()).collect();
        let denied = former.map(|former| former.denied.clone()).unwrap_or_default();
        let by_token = former.map(|former| former.by_token.clone()).unwrap_or_default();
        let tokens = config.tokens.clone().map(|tokens| {
            let former = former.and_then(|former| former.tokens.as_ref());
            TokenVerifier::new(tokens, former, &runtime)
        });
        let metadata = tokens::metadata_url(&runtime.base);
        let limits = RateLimits::new(&config);
        Self { runtime, tokens, metadata, limits, config, by_token, admitted, denied }
    }

    /// How many requests each key has admitted, by its name.
    pub fn admitted(&self) -> impl Iterator<Item = (&str, u64)> {
        let names = self.config.keys.iter().map(|key| &*key.name);
        names.zip(self.admitted.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// How many requests tokens have admitted; `None` if no issuer is configured.
    pub fn admitted_by_token(&self) -> Option<u64> {
        self.tokens.as_ref().map(|_| self.by_token.load(Ordering::Relaxed))
    }

    /// How many requests were refused.
    pub fn denied(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }

    /// Authenticates a request, counts it and holds it to the rate limits.
    ///
    /// # Errors
    ///
    /// The credential is missing, wrong or cannot be verified, or a rate limit is used up.
    pub async fn admit(
        &self,
        address: IpAddr,
        header: AuthorizationHeader<'_>,
        allowance: &mut Allowance,
    ) -> Result<Caller, Refused> {
        // The address comes first, so that nobody can try keys faster than its rate.
        self.limits.address(address, allowance)?;
        let (caller, key) = self.recognise(header).await?;
        let rate: Option<Rate> = key.and_then(|index| self.config.keys.get(index)?.rate);
        // Without authentication, callers are identified by client address.
        let name = || caller.name().map_or_else(|| network(address).to_string().into(), Arc::from);
        if let Err(error) = self.limits.caller(name, rate, allowance) {
            return Err(Refused { caller: Some(caller), error });
        }
        let count = key.map_or(Some(&self.by_token), |index| self.admitted.get(index));
        if let Some(count) = count.filter(|_| self.config.is_closed()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(caller)
    }

    /// Counts a request that was refused.
    pub fn count_denied(&self) {
        self.denied.fetch_add(1, Ordering::Relaxed);
    }

    /// Authenticates a request to a route that is open to all. Only requests that show a credential are held to the
    /// address's rate limit.
    ///
    /// # Errors
    ///
    /// As of [`Self::admit`].
    pub async fn identify(
        &self,
        address: IpAddr,
        header: AuthorizationHeader<'_>,
    ) -> Result<Caller, AccessError> {
        if header != AuthorizationHeader::Missing {
            self.limits.address(address, &mut Allowance::default())?;
        }
        Ok(self.recognise(header).await?.0)
    }

    /// Returns the caller, and the index of its key.
    async fn recognise(
        &self,
        header: AuthorizationHeader<'_>,
    ) -> Result<(Caller, Option<usize>), AccessError> {
        if !self.config.is_closed() {
            return Ok((Caller::ANONYMOUS, None));
        }
        let strict = self.config.strict;
        let unauthorized =
            |message| Err(AccessError::Unauthorized { message, challenges: self.challenges(strict) });
        let credential = header.credential();
        let presented = match &credential {
            PresentedCredential::Bearer(key) => ApiKey::of(key),
            PresentedCredential::Password(key) => ApiKey::of(key),
            PresentedCredential::BadBasic => return unauthorized("Invalid Basic Authentication format"),
            PresentedCredential::Unknown if strict => {
                return unauthorized("Unsupported authorization method");
            }
            PresentedCredential::Unknown | PresentedCredential::Missing => {
                return unauthorized("Missing or invalid Authorization header");
            }
        };
        if let Some(index) = self.find(&presented) {
            let key = &self.config.keys[index];
            return Ok((Caller::new(key.name.clone(), key.permission.clone()), Some(index)));
        }
        match (credential, &self.tokens) {
            // Without keys a bearer credential can only be a token.
            (PresentedCredential::Bearer(token), Some(tokens))
                if self.config.keys.is_empty() || jwt::is_jwt(token) =>
            {
                Ok((tokens.caller(token, &self.metadata).await?, None))
            }
            (PresentedCredential::Bearer(_), _) => Err(AccessError::WrongKey("Invalid API key")),
            _ => Err(AccessError::WrongKey("Invalid credentials")),
        }
    }

    /// Returns the accepted schemes. A person at a browser can type a key for `Basic`.
    pub fn challenges(&self, at_browser: bool) -> Vec<Cow<'static, str>> {
        let bearer = match &self.tokens {
            None => "Bearer".into(),
            Some(_) => format!("Bearer resource_metadata=\"{}\"", self.metadata).into(),
        };
        let basic = (at_browser && !self.config.keys.is_empty()).then_some("Basic".into());
        [bearer].into_iter().chain(basic).collect()
    }

    /// Compares with every key, so that the time it takes does not reveal which one matched.
    fn find(&self, presented: &ApiKey) -> Option<usize> {
        let keys = self.config.keys.iter().enumerate();
        keys.fold(None, |found, (index, key)| if key.secret == *presented { Some(index) } else { found })
    }
}
