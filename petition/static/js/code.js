/**
 * The first step of signing: the address, then the code with a blinded value. If the stamp of a blinded value was made and
 * its reply got lost, only the same value gets it again. So each address keeps its blinded value in this tab, also when
 * another code is asked for. Nobody else's address ever gets that value: two people would hold the same pass.
 */
import { begin } from "./pass.js";
import { Refused, call, handleSubmit, word } from "./page.js";
import { warnBeforeLeaving } from "./tab.js";

const PROOF_KEEPS = 4 * 60_000;
const SEND_AGAIN_AFTER = 60_000; // the same for every address, so it tells nothing about one
const MOST_KEPT = 3;
const VERIFIED = "already-verified";

/**
 * @param {object} flow of sign.js: `page`, `post`, `setStep`, `showStage`, `offerNextStep`, and `whenDone`, which takes the pass
 * @returns {{startAddress: function(HTMLFormElement), startCode: function(object)}}
 */
export function codeStep(flow) {
  let proof = null;
  let attempts = []; // { address, secrets } of blinded values that may have been stamped
  let ticking = 0;

  function startAddress(form, address = "") {
    clearInterval(ticking);
    if (address) form.elements.address.value = address;
    if (form.dataset.started) return;
    form.dataset.started = "yes";
    form.elements.address.addEventListener("input", () => proofOfWork().catch(() => {}), { once: true });
    handleSubmit(form, () => askForCode(form, form.elements.address.value.trim()));
  }

  async function askForCode(form, address) {
    const working = form.querySelector(".working");
    working.hidden = false;
    const altcha = await proofOfWork().catch(() => undefined);
    working.hidden = true;
    proof = null;
    const { challenge } = await flow.post("verify", { address, altcha, lang: flow.page.lang });
    startCode({ challenge, address, asked: Date.now(), attempts });
  }

  /** @param {object} found what the tab stores of this step */
  function startCode(found) {
    const { challenge, address = "", asked = 0 } = found;
    attempts = found.attempts ?? [{ address, secrets: found.secrets }];
    const blinding = begin(flow.page.issuer, flow.page.campaign, secretsOf(address));
    const stored = blinding.then(({ secrets }) => {
      attempts = [...attempts.filter((each) => !isSame(each.address, address)), { address, secrets }].slice(-MOST_KEPT);
      return flow.setStep({ step: "code", challenge, address, asked, attempts });
    });
    const stage = flow.showStage("code-stage", 1, "code");
    const form = stage.querySelector("#code-form");
    form.elements.challenge.value = challenge;
    stage.querySelector("#asked-for").textContent = address;
    stage.querySelector("#asked-line").hidden = !address;
    handleSubmit(form, () => sendCode(form, challenge, blinding, stored));
    startAgain(stage.querySelector("#again-form"), address, asked);
  }

  function secretsOf(address) {
    return attempts.find((each) => isSame(each.address, address))?.secrets;
  }

  async function sendCode(form, challenge, blinding, stored) {
    const { blinded, complete } = await blinding;
    await stored;
    warnBeforeLeaving(true); // the stamp may be made, and its reply lost
    const { stamp } = await flow.post("pass", { challenge, code: form.elements.code.value, blinded }).catch((refused) => {
      warnBeforeLeaving(refused.status === 0);
      throw flow.offerNextStep(refused, VERIFIED, "code");
    });
    const pass = await complete(stamp).catch(() => { throw new Refused(0, word("stamp")); });
    clearInterval(ticking);
    attempts = [];
    flow.whenDone(pass);
  }

  /** The button that sends the code again counts down first: a mail takes a while. */
  function startAgain(form, address, asked) {
    form.hidden = !address;
    const button = form.querySelector("button[type=submit]");
    const line = form.querySelector("[data-wait]");
    const count = () => {
      const seconds = Math.ceil((asked + SEND_AGAIN_AFTER - Date.now()) / 1000);
      button.disabled = seconds > 0;
      line.textContent = seconds > 0 ? word("again", { n: seconds }) : "";
      if (seconds <= 0) clearInterval(ticking);
    };
    clearInterval(ticking);
    ticking = setInterval(count, 1000);
    count();
    handleSubmit(form, () => askForCode(form, address));
  }

  /** The proof of work starts with the first typed letter. Without it, the site still answers, but with a lower limit. */
  function proofOfWork() {
    if (!proof || Date.now() - proof.since > PROOF_KEEPS) {
      proof = { since: Date.now(), payload: call(`${flow.page.api}/challenge`).then((each) => solve(each, flow.page.worker)) };
    }
    return proof.payload;
  }

  return { startAddress, startCode };
}

/** The spellings of an address that reach the same person for sure. */
function isSame(one, other) {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}

function solve(challenge, script) {
  const worker = new Worker(script, { type: "module" });
  const payload = new Promise((resolve, reject) => {
    worker.addEventListener("error", reject);
    worker.addEventListener("message", ({ data }) => {
      if (data.payload) resolve(data.payload);
      if (data.error) reject(new Error(data.error));
    });
    worker.postMessage(challenge);
  });
  return payload.finally(() => worker.terminate());
}
