/** What the personal pages share: calls, sentences, errors where they belong, saving and copying text, the way out. */
import { abandon } from "./tab.js";

/** A call was answered with an error, or with nothing; `errors` holds sentences by field name, `type` names the problem. */
export class Refused extends Error {
  name = "Refused";

  constructor(status, sentence, errors = {}, type = "") {
    super(sentence);
    this.status = status;
    this.errors = errors;
    this.type = type;
  }
}

/**
 * @param {string} address @param {object} [body] sent as JSON by POST; without it the call is a GET
 * @returns {Promise<object>} rejects with Refused
 */
export async function call(address, body) {
  const asked = body && { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  let answer;
  let said;
  try {
    answer = await fetch(address, { credentials: "omit", cache: "no-store", ...asked });
    said = await answer.json();
  } catch {
    throw new Refused(answer?.status ?? 0, word("away"));
  }
  if (answer.ok) return said;
  throw new Refused(answer.status, said.detail ?? said.title ?? word("away"), said.errors, said.type);
}

/** A sentence of the page, in its language. @param {string} name @param {object} [values] for {name} in it */
export function word(name, values = {}) {
  const found = document.getElementById("words").content.querySelector(`[data-word="${name}"]`);
  return filled(found.textContent, values);
}

/** @param {string} sentence @param {object} values @returns {string} */
export function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Draws what there is to mend, beside each field and above the form, and takes the reader there. */
export function showErrors(form, errors) {
  clearErrors(form);
  const summary = summaryOf(form);
  const list = summary.querySelector("ul");
  for (const [name, sentences] of Object.entries(errors)) {
    const input = form.elements.namedItem(name);
    sentences.forEach((sentence) => list.append(item(sentence, input && mark(form, name, input, sentence))));
  }
  summary.hidden = false;
  summary.focus();
}

/** @param {Refused} refused its sentences by field if it has any, else the one it has */
export function showRefusal(form, refused, fallback = "") {
  const named = Object.keys(refused.errors).length > 0;
  showErrors(form, named ? refused.errors : { [fallback]: [refused.message] });
}

export function clearErrors(form) {
  summaryOf(form).hidden = true;
  summaryOf(form).querySelector("ul").replaceChildren();
  form.querySelectorAll(".mend").forEach((place) => place.replaceChildren());
  form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
}

/** Makes the buttons under `root` work that copy or save the text of a field; the field hears "kept" when it was. */
export function enableButtons(root) {
  root.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => copy(button)));
  root.querySelectorAll("[data-save]").forEach((button) => button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.save);
    save(field.value, button.dataset.file);
    tellKept(field);
  }));
  root.querySelectorAll("textarea[readonly]").forEach((field) => field.addEventListener("copy", () => copiedByHand(field)));
}

function copiedByHand(field) {
  const whole = field.value.trim();
  if (field.value.slice(field.selectionStart, field.selectionEnd).includes(whole)) tellKept(field);
}

/** Somebody has this text elsewhere now. */
export function tellKept(field) {
  field.dispatchEvent(new CustomEvent("kept", { bubbles: true }));
}

/** Hands a text to the browser as a file; nothing leaves the device. */
export function save(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  await navigator.clipboard.writeText(field.value);
  tellKept(field);
  const note = button.nextElementSibling?.matches("[role=status]") ? button.nextElementSibling : status(button);
  note.textContent = word("copied");
}

function status(button) {
  const note = document.createElement("span");
  note.setAttribute("role", "status");
  button.after(note);
  return note;
}

function summaryOf(form) {
  return form.querySelector(".errors") ?? form.parentElement.querySelector(".errors");
}

function mark(form, name, input, sentence) {
  const place = form.querySelector(`#${name}-error`);
  if (!place) return null;
  const line = document.createElement("p");
  line.className = "error";
  line.textContent = sentence;
  place.append(line);
  const target = input instanceof RadioNodeList ? input[0] : input;
  target.closest("details")?.setAttribute("open", "");
  if (!(input instanceof RadioNodeList)) target.setAttribute("aria-invalid", "true");
  return target.id;
}

function item(sentence, id) {
  const line = document.createElement("li");
  if (!id) line.textContent = sentence;
  else line.append(Object.assign(document.createElement("a"), { href: `#${id}`, textContent: sentence }));
  return line;
}

/** Leaves without a trace in this tab's history or storage. */
function leave(event) {
  event.preventDefault();
  abandon();
  location.replace(event.currentTarget.href);
}

document.getElementById("exit")?.addEventListener("click", leave);
