//! The TLS profile that an OpenShift asks for. goldkeeper speaks 1.2 and 1.3: `Old`, which lets in 1.0, can't be met.

use super::evidence::{Evidence, text, told};
use super::line::{Line, Lines};

const TOPIC: &str = "tls";

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    let live = evidence.live(TOPIC)?;
    if !evidence.view.is_openshift() {
        return Ok(vec![Line::ok(
            TOPIC,
            "TLS 1.2 and 1.3; no OpenShift that asks for a profile",
        )]);
    }
    let Some(settings) = told(&live.api_server, TOPIC)? else {
        return Ok(vec![Line::ok(TOPIC, "no profile is set: Intermediate")]);
    };
    let line = match text(settings, "/spec/tlsSecurityProfile/type") {
        "Old" => Line::warning(
            TOPIC,
            "the profile is Old, which can't be met: goldkeeper speaks TLS 1.2 and 1.3 only",
        )
        .cure("nothing is lost: the API server, its only client, speaks both"),
        "" => Line::ok(TOPIC, "no profile is set: Intermediate"),
        profile => Line::ok(TOPIC, format!("the profile is {profile}")),
    };
    Ok(vec![line])
}
