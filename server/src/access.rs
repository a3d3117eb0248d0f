//! Who may ask: users where there are any, and nobody whom another site's page has sent.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::ServeConfig;
use crate::problem::Problem;
use crate::users::{Credential, Users};

/// Time between looks at whether the users have changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Passwords that one address may try in a minute; who knows one is not asked again.
const TRIES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// How many requests above the rate may come at once: a page loads covers by the dozen.
const BURST_SECONDS: u32 = 5;

/// The one who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller(pub String);

/// Decides.
pub(crate) struct Access {
    store: index::Store,
    demands_users: bool,
    hosts: Vec<String>,
    users: ArcSwap<Users>,
    looked: Mutex<(Instant, Option<SystemTime>)>,
    /// Name and password of those who have proved them, hashed with a key that nobody has. Argon2 takes its time on
    /// purpose, a page asks a hundred times.
    proved: RwLock<HashSet<blake3::Hash>>,
    key: [u8; 32],
    proving: Mutex<()>,
    /// Whether there ever were users: where the last one goes, nobody may ask.
    had_users: AtomicBool,
    tries: DefaultKeyedRateLimiter<IpAddr>,
    requests: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Access {
    /// By the users of a store.
    ///
    /// # Errors
    /// What reading them reports; [`crate::Error::NoUsers`] where there have to be some.
    pub fn new(store: index::Store, config: &ServeConfig) -> crate::Result<Self> {
        let users = Users::of_store(&store)?;
        if config.demands_users() && users.is_empty() {
            return Err(crate::Error::NoUsers { address: config.address });
        }
        let per_second = |rate: NonZeroU32| {
            Quota::per_second(rate).allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1)))
        };
        let looked = Mutex::new((Instant::now(), modified(&users)));
        let had_users = AtomicBool::new(!users.is_empty());
        Ok(Self {
            store,
            demands_users: config.demands_users(),
            hosts: config.hosts.clone(),
            users: ArcSwap::from_pointee(users),
            had_users,
            looked,
            proved: RwLock::default(),
            key: rand::random(),
            proving: Mutex::new(()),
            tries: RateLimiter::keyed(Quota::per_minute(TRIES_PER_MINUTE)),
            requests: config.requests_per_second.map(|rate| RateLimiter::keyed(per_second(rate))),
        })
    }

    /// Whether only users may ask.
    pub fn asks_who(&self) -> bool {
        self.look();
        self.demands_users || self.had_users.load(Ordering::Relaxed)
    }

    /// Forgets addresses that have not asked for a while.
    pub fn forget_idle(&self) {
        self.tries.retain_recent();
        self.requests.iter().for_each(|requests| requests.retain_recent());
    }

    /// Reads the users again where their file has changed.
    fn look(&self) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.0.elapsed() < LOOK_INTERVAL {
            return;
        }
        looked.0 = Instant::now();
        let changed = modified(&self.users.load());
        if changed == looked.1 {
            return;
        }
        match Users::of_store(&self.store) {
            Ok(users) => {
                looked.1 = changed;
                self.had_users.fetch_or(!users.is_empty(), Ordering::Relaxed);
                self.users.store(Arc::new(users));
                self.proved.write().unwrap_or_else(PoisonError::into_inner).clear();
            }
            // Those who were known go on; where the file is half written, the next look reads it.
            Err(error) => tracing::error!("{error}"),
        }
    }

    /// Who this is.
    ///
    /// # Errors
    /// Nobody who is known; too many tries.
    pub fn recognise(&self, credential: &Credential, from: IpAddr) -> Result<Caller, Problem> {
        self.look();
        let users = self.users.load_full();
        if let Some(name) = users.recognise(credential) {
            return Ok(Caller(name.into()));
        }
        let unknown = || Problem::new(StatusCode::UNAUTHORIZED, "wrong name, password, token or key");
        let Credential::Password { name, password } = credential else { return Err(unknown()) };
        let proof = blake3::keyed_hash(&self.key, format!("{}:{name}{password}", name.len()).as_bytes());
        if self.proved.read().unwrap_or_else(PoisonError::into_inner).contains(&proof) {
            return Ok(Caller(name.clone()));
        }
        if self.tries.check_key(&from).is_err() {
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many passwords were tried");
            return Err(Problem { retry_after: Some(60), ..problem });
        }
        let is_right = {
            // One at a time: each takes a core, and 19 MiB.
            let _proving = self.proving.lock().unwrap_or_else(PoisonError::into_inner);
            users.has_password(name, password)
        };
        let mut proved = self.proved.write().unwrap_or_else(PoisonError::into_inner);
        // Users that have changed meanwhile are asked again: whoever is gone proves nothing.
        if !is_right || !Arc::ptr_eq(&users, &self.users.load_full()) {
            return Err(unknown());
        }
        proved.insert(proof);
        Ok(Caller(name.clone()))
    }

    /// Whether a request is one that this server means to be asked: by a name that it has, not by another site's page, and
    /// not too often.
    ///
    /// # Errors
    /// What is wrong.
    fn admit(&self, request: &Request, from: IpAddr) -> Result<(), Problem> {
        if self.requests.as_ref().is_some_and(|requests| requests.check_key(&from).is_err()) {
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests");
            return Err(Problem { retry_after: Some(1), ..problem });
        }
        // A name that leads to loopback today, and led to another site's page before, is not ours. Who has to say who
        // they are is safe from that: a browser keeps keys by names.
        let host = host_of(request.uri(), request.headers());
        if !self.asks_who() && !host.is_some_and(|host| self.is_ours(host)) {
            let detail = "this server is not called so; `serve --host NAME` allows a name";
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
        }
        let is_navigation = request.method() == Method::GET && request.uri().path() == "/";
        if is_cross_site(request.headers(), host) && !is_navigation {
            return Err(Problem::new(StatusCode::FORBIDDEN, "another site's page may not ask"));
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = name_of(host);
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        name.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.is_loopback())
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

fn modified(users: &Users) -> Option<SystemTime> {
    std::fs::metadata(users.path()).and_then(|metadata| metadata.modified()).ok()
}

fn host_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let named = || headers.get(header::HOST)?.to_str().ok();
    uri.authority().map(|authority| authority.as_str()).or_else(named)
}

/// Without the port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|letter| letter.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a browser says that another site's page asks.
fn is_cross_site(headers: &HeaderMap, host: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host_of = |address: &str| {
        let (_, rest) = address.split_once("://")?;
        rest.split('/').next().map(str::to_owned)
    };
    match (text("sec-fetch-site"), text("origin").or(text("referer"))) {
        (Some(site), _) => !["same-origin", "none"].contains(&site),
        (None, Some(address)) => host_of(address).as_deref() != host,
        (None, None) => false,
    }
}

/// What a request says of who sends it: HTTP's own two ways.
fn credential_of(headers: &HeaderMap) -> Option<Credential> {
    let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credential::ApiKey(value.trim().into()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = data_encoding::BASE64.decode(value.trim().as_bytes()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    Some(Credential::Password { name: name.into(), password: password.into() })
}

/// Lets requests pass that are meant for this server.
pub(crate) async fn admit(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    match access.admit(&request, address_of(&request)) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Lets those pass who are known, and tells who they are.
pub(crate) async fn identify(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    let from = address_of(&request);
    match caller_of(access, request.headers(), from).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => {
            let is_unknown = problem.status == StatusCode::UNAUTHORIZED;
            let mut response = problem.into_response();
            if is_unknown {
                let challenge = HeaderValue::from_static("Basic realm=\"similar-tracks\", charset=\"UTF-8\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            response
        }
    }
}

async fn caller_of(access: Arc<Access>, headers: &HeaderMap, from: IpAddr) -> Result<Caller, Problem> {
    if !access.asks_who() {
        return Ok(Caller::nobody_in_particular());
    }
    let unnamed = || Problem::new(StatusCode::UNAUTHORIZED, "say who you are: a password, or an API key");
    let credential = credential_of(headers).ok_or_else(unnamed)?;
    recognise(access, credential, from).await
}

/// As [`Access::recognise`], where other requests do not wait for Argon2.
pub(crate) async fn recognise(access: Arc<Access>, credential: Credential, from: IpAddr) -> Result<Caller, Problem> {
    let recognised = tokio::task::spawn_blocking(move || access.recognise(&credential, from)).await;
    recognised.unwrap_or_else(|error| Err(Problem::internal(&error)))
}

impl Caller {
    /// Whoever sits at this machine, where there are no users.
    pub fn nobody_in_particular() -> Self {
        Self("local".into())
    }
}

/// Where a request comes from.
pub(crate) fn address_of(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |peer| network_of(peer.0.ip()))
}

/// Whoever has one address of IPv6 has all of its /64.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        pairs.iter().map(pair).collect::<Vec<(axum::http::HeaderName, HeaderValue)>>().into_iter().collect()
    }

    #[test]
    fn pages_of_other_sites_are_told_from_our_own() {
        let host = Some("127.0.0.1:4747");
        for (ours, pairs) in [
            (true, &[][..]),
            (true, &[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:4747")]),
            (true, &[("sec-fetch-site", "none")]),
            (false, &[("sec-fetch-site", "cross-site")]),
            (false, &[("sec-fetch-site", "same-site")]),
            (true, &[("origin", "http://127.0.0.1:4747")]),
            (false, &[("origin", "http://127.0.0.1:8000")]),
            (false, &[("origin", "https://example.org")]),
            (false, &[("origin", "null")]),
            (true, &[("referer", "http://127.0.0.1:4747/page/main.js")]),
            (false, &[("referer", "https://example.org/picture.html")]),
        ] {
            assert_eq!(!is_cross_site(&headers(pairs), host), ours, "{pairs:?}");
        }
    }

    #[test]
    fn a_network_counts_as_one() {
        let network = |text: &str| network_of(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8::1:2:3:4"), "2001:db8::");
        assert_eq!((network("192.0.2.1"), network("::ffff:192.0.2.1")), ("192.0.2.1".into(), "192.0.2.1".into()));
    }

    #[test]
    fn a_host_is_compared_without_its_port() {
        for (host, name) in [("localhost:4747", "localhost"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("a", "a")] {
            assert_eq!(name_of(host), name);
        }
    }

    #[test]
    fn credentials_are_read_in_both_ways() {
        let of = |value: &str| credential_of(&headers(&[("authorization", value)]));
        assert!(of("Bearer abc") == Some(Credential::ApiKey("abc".into())));
        let password = Credential::Password { name: "anna".into(), password: "a:b".into() };
        assert!(of("basic YW5uYTphOmI=") == Some(password));
        for wrong in ["Basic !", "Basic YW5uYQ==", "Digest abc", "Bearer"] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
    }
}
