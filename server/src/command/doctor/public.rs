//! The address that the world uses: whether it is one, and whether it leads here.

use super::Finding;
use super::asking::Asking;
use crate::config::Config;

/// What the program adds to the address itself.
const ROUTES: [&str; 2] = ["/twilio", "/meta"];

/// What there is to say about it.
pub(super) async fn findings(config: &Config, asking: &mut Asking) -> Vec<Finding> {
    let Some(public) = &config.server.public_url else {
        return vec![Finding::Off(
            "public address: no [server] public_url; webhooks need one, for example a tunnel's".to_owned(),
        )];
    };
    let mut findings = Vec::new();
    let (scheme, rest) = public.as_str().split_once("://").unwrap_or(("", public.as_str()));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    if is_here(host) {
        findings.push(Finding::broken(
            format!("public address: {host} is this machine's own name for itself, and nobody else's"),
            "set [server] public_url to the address that the tunnel printed, https://…",
        ));
    }
    if scheme == "http" {
        findings.push(Finding::broken(
            format!("public address: {public} begins with http://"),
            format!(
                "set [server] public_url to https://{host}: providers sign the address they call, and call https"
            ),
        ));
    }
    if ROUTES.iter().any(|route| path.starts_with(route)) {
        findings.push(Finding::broken(
            format!("public address: {public} has the path {path}"),
            format!("set [server] public_url to {scheme}://{host}: the path of each webhook is added to it"),
        ));
    }
    findings.push(reached(config, public.as_str(), path, asking).await);
    findings
}

/// Whether it leads to the program that listens here.
async fn reached(config: &Config, public: &str, path: &str, asking: &mut Asking) -> Finding {
    let bind = config.server.bind;
    let start = format!(
        "start innkeeper, and point the tunnel at {bind}, for example `cloudflared tunnel --url http://{bind}`"
    );
    let here = asking.get(&format!("http://{bind}/healthz")).await.ok().and_then(|answer| answer.instance);
    let answer = match asking.get(&format!("{public}/healthz")).await {
        Ok(answer) => answer,
        Err(error) => {
            return Finding::broken(
                format!("public address: {public} does not answer: {error}"),
                "start the tunnel and set [server] public_url to the address it prints; a free tunnel has another one \
                 each time",
            );
        }
    };
    if answer.status.is_redirection() {
        let to = answer.location.unwrap_or_else(|| "elsewhere".to_owned());
        return Finding::broken(
            format!("public address: {public} sends callers on to {to}"),
            "set [server] public_url to the address that answers itself",
        );
    }
    if !answer.status.is_success() {
        let fix = if path.is_empty() {
            start
        } else {
            format!("leave {path} out of [server] public_url, or {start}")
        };
        return Finding::broken(
            format!("public address: {public} answers {} in innkeeper's place", answer.status),
            fix,
        );
    }
    match (answer.instance, here) {
        (None, _) => Finding::broken(
            format!("public address: something else than innkeeper answers at {public}"),
            start,
        ),
        (Some(there), Some(here)) if there != here => Finding::broken(
            format!("public address: {public} leads to another innkeeper than the one on {bind}"),
            start,
        ),
        (Some(_), _) => Finding::Fine(format!("public address: {public} reaches innkeeper")),
    }
}

/// Whether a host and port name this machine.
fn is_here(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}
