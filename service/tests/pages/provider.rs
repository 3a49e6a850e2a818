//! A small OpenID Connect provider with a key of its own, which does what a test says.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use stapel_testkit::START;

use super::{Begun, fields};

pub(super) const CLIENT: &str = "stapel";

pub(super) const SECRET: &str = "a-secret-of-the-client-0123456789";

/// The provider.
pub(super) struct Provider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// How an ID token is signed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Signing {
    Own,
    /// With a key that is nobody's, under the id of the provider's.
    OtherKey,
    /// With a key that is nobody's, under an id that is none.
    UnknownKey,
    /// With the client's secret.
    Hs256,
    /// With the provider's public key as a secret.
    PublicAsSecret,
    None,
}

type Twist = Box<dyn FnMut(&mut Value, &mut Value) + Send>;

pub(super) struct State {
    key: EcdsaKeyPair,
    pub(super) kid: String,
    codes: HashMap<String, Granted>,
    drawn: usize,
    now: u64,
    pub(super) signing: Signing,
    /// Changes the claims and the head of the next tokens.
    pub(super) twist: Option<Twist>,
    /// Takes a code again.
    pub(super) is_lax: bool,
    /// What is added to the discovery document.
    pub(super) more: Value,
    /// What was asked for, by path.
    pub(super) asked: Vec<String>,
    /// Answers nothing.
    pub(super) is_down: bool,
}

#[derive(Clone)]
struct Granted {
    nonce: String,
    challenge: String,
    back: String,
    name: String,
    roles: Vec<String>,
}

fn new_key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap()
}

impl Provider {
    pub(super) fn start() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            key: new_key(),
            kid: "1".to_owned(),
            codes: HashMap::new(),
            drawn: 0,
            now: START.0,
            signing: Signing::Own,
            twist: None,
            is_lax: false,
            more: json!({}),
            asked: Vec::new(),
            is_down: false,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &shared, address);
            }
        });
        Provider { address, state }
    }

    pub(super) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn set_time(&self, now: u64) {
        self.state().now = now;
    }

    /// Has another key from now on, under another id.
    pub(super) fn change_key(&self) {
        let mut state = self.state();
        (state.key, state.kid) = (new_key(), format!("{}x", state.kid));
    }

    /// A token with which it says that somebody signed out, changed so.
    pub(super) fn signed_out(&self, name: &str, change: impl FnOnce(&mut Value)) -> String {
        let state = self.state();
        let mut claims = json!({
            "iss": format!("http://{}", self.address), "sub": format!("sub-{name}"), "aud": CLIENT,
            "exp": state.now + 120, "iat": state.now, "jti": "1", "sid": format!("sid-{name}"),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        change(&mut claims);
        state.signed(json!({"alg": "ES256", "kid": state.kid, "typ": "logout+jwt"}), &claims)
    }

    /// Somebody signs in: the code with which the browser is sent back.
    pub(super) fn grant(&self, begun: &Begun, name: &str, roles: &[&str]) -> String {
        let mut state = self.state();
        state.drawn += 1;
        let code = format!("code-{}", state.drawn);
        let granted = Granted {
            nonce: begun.nonce.clone(),
            challenge: begun.challenge.clone(),
            back: begun.back.clone(),
            name: name.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        };
        state.codes.insert(code.clone(), granted);
        code
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>, address: SocketAddr) {
    let mut state = state.lock().unwrap();
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let mut some = [0; 4_096];
        let read = stream.read(&mut some).unwrap_or(0);
        bytes.extend_from_slice(&some[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break (head.to_owned(), body.to_owned());
            }
        }
        if read == 0 {
            return;
        }
    };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    state.asked.push(path.clone());
    if state.is_down {
        return;
    }
    let issuer = format!("http://{address}");
    let (status, said) = match path.as_str() {
        "/.well-known/openid-configuration" => (200, state.document(&issuer)),
        "/jwks" => (200, state.keys()),
        "/token" => state.token(&head, &body, &issuer),
        _ => (404, json!({})),
    };
    let said = said.to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n\
         {said}",
        said.len()
    );
}

impl State {
    fn document(&self, issuer: &str) -> Value {
        let mut document = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
            "end_session_endpoint": format!("{issuer}/end"), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        });
        for (name, value) in self.more.as_object().unwrap() {
            document[name] = value.clone();
        }
        document
    }

    fn keys(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = (BASE64URL_NOPAD.encode(&point[1..33]), BASE64URL_NOPAD.encode(&point[33..]));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": x, "y": y}]})
    }

    fn token(&mut self, head: &str, body: &str, issuer: &str) -> (u16, Value) {
        let refused = (400, json!({"error": "invalid_grant"}));
        let form = fields(body);
        let basic = BASE64.encode(format!("{CLIENT}:{SECRET}").as_bytes());
        if !head.lines().any(|line| line.eq_ignore_ascii_case(&format!("authorization: Basic {basic}"))) {
            return (401, json!({"error": "invalid_client"}));
        }
        let granted = match self.is_lax {
            true => self.codes.get(&form["code"]).cloned(),
            false => self.codes.remove(&form["code"]),
        };
        let Some(granted) = granted else { return refused };
        let challenge = BASE64URL_NOPAD.encode(digest(&SHA256, form["code_verifier"].as_bytes()).as_ref());
        if challenge != granted.challenge || form["redirect_uri"] != granted.back {
            return refused;
        }
        let mut header = json!({"alg": "ES256", "kid": self.kid, "typ": "JWT"});
        let mut claims = json!({
            "iss": issuer, "sub": format!("sub-{}", granted.name), "aud": CLIENT, "exp": self.now + 300,
            "iat": self.now, "nonce": granted.nonce, "preferred_username": granted.name, "roles": granted.roles,
            "sid": format!("sid-{}", granted.name),
        });
        if let Some(twist) = &mut self.twist {
            twist(&mut header, &mut claims);
        }
        let id_token = self.signed(header, &claims);
        (200, json!({"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": id_token}))
    }

    fn signed(&self, mut header: Value, claims: &Value) -> String {
        match self.signing {
            Signing::Hs256 | Signing::PublicAsSecret => header["alg"] = json!("HS256"),
            Signing::None => header["alg"] = json!("none"),
            Signing::UnknownKey => header["kid"] = json!("made-up"),
            Signing::Own | Signing::OtherKey => {}
        }
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(claims));
        let by = |key: &EcdsaKeyPair| key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec();
        let keyed =
            |secret: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes()).as_ref().to_vec();
        let signature = match self.signing {
            Signing::Own => by(&self.key),
            Signing::OtherKey | Signing::UnknownKey => by(&new_key()),
            Signing::Hs256 => keyed(SECRET.as_bytes()),
            Signing::PublicAsSecret => keyed(self.key.public_key().as_ref()),
            Signing::None => Vec::new(),
        };
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}
