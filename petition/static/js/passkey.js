// Fills in the organisers' forms that need a passkey: it gets a challenge from our server and an answer from the device,
// then submits the form normally. It runs only on the pages of organisers. Without it, recovery codes serve instead.

import { b64u, unb64u } from "./encoding.js";

document.documentElement.classList.add("scripted");

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(form);
  });
}

async function run(form) {
  const button = form.querySelector("button");
  showMessage(form, "");
  button.disabled = true;
  try {
    if (!window.PublicKeyCredential) throw new Unsupported();
    const options = await challenge(form);
    const answer = form.dataset.passkey === "make" ? await make(options) : await ask(options);
    form.elements.namedItem("credential").value = JSON.stringify(answer);
    form.submit();
  } catch (error) {
    showMessage(form, reason(error));
    button.disabled = false;
    button.focus();
  }
}

class Unsupported extends Error {}
class Unreachable extends Error {}

async function challenge(form) {
  const body = new URLSearchParams({ token: form.elements.namedItem("token")?.value ?? "" });
  let answer;
  try {
    answer = await fetch(form.dataset.challenge, { method: "POST", body, cache: "no-store" });
  } catch {
    throw new Unreachable();
  }
  if (answer.redirected) location.assign(answer.url); // the session has ended: go to the sign-in page
  if (!answer.ok || answer.redirected) throw new Unreachable();
  return answer.json();
}

async function make(options) {
  const publicKey = {
    ...options,
    challenge: unb64u(options.challenge),
    user: { ...options.user, id: unb64u(options.user.id) },
    excludeCredentials: options.excludeCredentials.map((each) => ({ ...each, id: unb64u(each.id) })),
  };
  const made = await navigator.credentials.create({ publicKey });
  return credentialJson(made, {
    attestationObject: bytes(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
}

async function ask(options) {
  const given = await navigator.credentials.get({ publicKey: { ...options, challenge: unb64u(options.challenge), allowCredentials: [] } });
  return credentialJson(given, {
    authenticatorData: bytes(given.response.authenticatorData),
    signature: bytes(given.response.signature),
    userHandle: given.response.userHandle ? bytes(given.response.userHandle) : null,
  });
}

function credentialJson(credential, more) {
  const rawId = bytes(credential.rawId);
  const response = { clientDataJSON: bytes(credential.response.clientDataJSON), ...more };
  return { id: rawId, rawId, type: credential.type, response, clientExtensionResults: {} };
}

function bytes(buffer) {
  return b64u(new Uint8Array(buffer));
}

function reason(error) {
  if (error instanceof Unsupported) return "lacking";
  if (error instanceof Unreachable) return "away";
  return error.name === "InvalidStateError" ? "known" : "cancelled";
}

function showMessage(form, word) {
  const place = form.querySelector("[data-said]");
  const words = form.querySelector("[data-words]").content;
  place.textContent = word ? words.querySelector(`[data-word="${word}"]`).textContent : "";
  place.hidden = !word;
}
