//! A guard in force: what the configuration says of it, and what it remembers.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{dev::ServiceRequest, http::header::AUTHORIZATION};

use super::{
    caller::Caller,
    credential::Credential,
    denial::Denial,
    rates::{Allowance, Rates},
    tokens::{self, Tokens},
};
use crate::{
    config::{self, Permission, Rate},
    http::{peer, views::View},
    jwt,
    oauth::Office,
    secret::ApiKey,
};

/// Decides who comes in.
pub(in crate::http) struct Gatekeeper {
    pub(in crate::http) config: config::Guard,
    tokens: Option<Tokens>,
    /// Where clients learn who issues tokens.
    metadata: String,
    rates: Rates,
    /// How many requests tokens have opened the way to.
    by_token: Arc<AtomicU64>,
    /// How many requests each key has opened the way to.
    admitted: Vec<Arc<AtomicU64>>,
    /// How many requests were not let in.
    denied: Arc<AtomicU64>,
}

/// Somebody who was not let in, and who that is where it is known.
pub(super) struct Refused {
    pub(super) caller: Option<Caller>,
    pub(super) denial: Denial,
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        Self { caller: None, denial }
    }
}

impl Gatekeeper {
    /// Puts `config` in force after `former`, whose counts go on.
    pub(in crate::http) fn new(config: config::Guard, former: Option<&Self>, office: &Office) -> Self {
        let count = |key: &config::Key| {
            let index = former?.config.keys.iter().position(|old| old.name == key.name)?;
            former?.admitted.get(index).cloned()
        };
        let admitted = config.keys.iter().map(|key| count(key).unwrap_or_default()).collect();
        let denied = former.map(|former| former.denied.clone()).unwrap_or_default();
        let by_token = former.map(|former| former.by_token.clone()).unwrap_or_default();
        let tokens = config.tokens.clone().map(|tokens| {
            let former = former.and_then(|former| former.tokens.as_ref());
            Tokens::new(tokens, former, office)
        });
        let metadata = tokens::metadata_url(office.base());
        Self { tokens, metadata, rates: Rates::new(&config), config, by_token, admitted, denied }
    }

    /// What a caller of this permission sees of a server.
    pub(in crate::http) fn view(&self, permission: Permission) -> View {
        View { permission, secured: self.config.is_closed() }
    }

    /// How many requests each key has opened the way to, by its name.
    pub(in crate::http) fn admitted(&self) -> impl Iterator<Item = (&str, u64)> {
        let names = self.config.keys.iter().map(|key| &*key.name);
        names.zip(self.admitted.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// How many requests tokens have opened the way to, where they can.
    pub(in crate::http) fn admitted_by_token(&self) -> Option<u64> {
        self.tokens.as_ref().map(|_| self.by_token.load(Ordering::Relaxed))
    }

    /// How many requests were not let in.
    pub(in crate::http) fn denied(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }

    /// Lets somebody in, or says why not; counted, and held to the rates.
    pub(super) async fn admit(
        &self,
        request: &ServiceRequest,
        allowance: &mut Allowance,
    ) -> Result<Caller, Refused> {
        let address = peer::address(request);
        // First of all, so that nobody tries keys faster than that.
        self.rates.address(address, allowance)?;
        let (caller, key) = self.recognise(request).await?;
        let rate: Option<Rate> = key.and_then(|index| self.config.keys.get(index)?.rate);
        // Where nobody is asked, callers are told apart by where they come from.
        let name = || caller.name().map_or_else(|| peer::network(address).to_string().into(), Arc::from);
        if let Err(denial) = self.rates.caller(name, rate, allowance) {
            return Err(Refused { caller: Some(caller), denial });
        }
        let count = key.map_or(Some(&self.by_token), |index| self.admitted.get(index));
        if let Some(count) = count.filter(|_| self.config.is_closed()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(caller)
    }

    /// Counts a request that was not let in.
    pub(super) fn count_denied(&self) {
        self.denied.fetch_add(1, Ordering::Relaxed);
    }

    /// Who it is, for what is open to all.
    pub(super) async fn identify(&self, request: &ServiceRequest) -> Result<Caller, Denial> {
        if request.headers().contains_key(AUTHORIZATION) {
            self.rates.address(peer::address(request), &mut Allowance::default())?;
        }
        Ok(self.recognise(request).await?.0)
    }

    /// Who it is, and by which key.
    async fn recognise(&self, request: &ServiceRequest) -> Result<(Caller, Option<usize>), Denial> {
        if !self.config.is_closed() {
            return Ok((Caller::ANYBODY, None));
        }
        let strict = self.config.strict;
        let unauthorized =
            |message| Err(Denial::Unauthorized { message, challenges: self.challenges(strict) });
        let credential = Credential::of(request.headers());
        let presented = match &credential {
            Credential::Bearer(key) => ApiKey::of(key),
            Credential::Password(key) => ApiKey::of(key),
            Credential::BadBasic => return unauthorized("Invalid Basic Authentication format"),
            Credential::Unknown if strict => return unauthorized("Unsupported authorization method"),
            Credential::Unknown | Credential::Missing => {
                return unauthorized("Missing or invalid Authorization header");
            }
        };
        if let Some(index) = self.find(&presented) {
            let key = &self.config.keys[index];
            return Ok((Caller::new(key.name.clone(), key.permission.clone()), Some(index)));
        }
        match (credential, &self.tokens) {
            // Where there are no keys, nothing else was meant.
            (Credential::Bearer(token), Some(tokens))
                if self.config.keys.is_empty() || jwt::is_jwt(token) =>
            {
                Ok((tokens.caller(token, &self.metadata).await?, None))
            }
            (Credential::Bearer(_), _) => Err(Denial::WrongKey("Invalid API key")),
            _ => Err(Denial::WrongKey("Invalid credentials")),
        }
    }

    /// The schemes that are accepted, of which a person can use `Basic` at a browser.
    pub(super) fn challenges(&self, of_browser: bool) -> Vec<Cow<'static, str>> {
        let bearer = match &self.tokens {
            None => "Bearer".into(),
            Some(_) => format!("Bearer resource_metadata=\"{}\"", self.metadata).into(),
        };
        let basic = (of_browser && !self.config.keys.is_empty()).then_some("Basic".into());
        [bearer].into_iter().chain(basic).collect()
    }

    /// Every key is compared, so that the time taken does not tell which it is.
    fn find(&self, presented: &ApiKey) -> Option<usize> {
        let keys = self.config.keys.iter().enumerate();
        keys.fold(None, |found, (index, key)| if key.secret == *presented { Some(index) } else { found })
    }
}
