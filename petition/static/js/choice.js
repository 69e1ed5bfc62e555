/** What a signature shows: the fields that a choice needs, and what the public sees of it. For signing and for changing. */
import { word } from "./page.js";

const NUMBERS = ["publish_at", "sealed_until"];

/** @param {HTMLFormElement} form @returns {object} everything that was typed or chosen, including fields that are hidden now */
export function typed(form) {
  const fields = [...form.elements].filter(({ name, type, checked }) => name && (type !== "radio" || checked));
  return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
}

/** @param {HTMLFormElement} form @returns {object} what the choice needs, as the API takes it */
export function chosen(form) {
  const entered = Object.fromEntries(new FormData(form));
  for (const name of NUMBERS) if (name in entered) entered[name] = Number(entered[name]);
  return entered;
}

/** Shows only the fields that the choice needs, and says what the public will see. */
export function updateFields(form) {
  const show = form.elements.show.value;
  form.querySelectorAll("[data-for]").forEach((group) => {
    const needed = group.dataset.for.split(" ").includes(show);
    group.hidden = group.disabled = !needed;
  });
  document.getElementById("shown").textContent = describeVisibility("shown", typed(form), form);
}

/**
 * @param {string} what "shown" for what a choice shows, "public" for what a batch publishes
 * @param {object} choice as `typed` returns it
 * @param {ParentNode} form whose list of roles has their labels in this page's language
 * @returns {string} a sentence
 */
export function describeVisibility(what, { show, role, name = "", publish_at: least = "0" }, form) {
  const sealed = show === "name" && least !== "0";
  const values = { name: name.trim() || "…", role: role ? labelOf(role, form) : "…", n: least };
  return word(`${what}-${sealed ? "sealed" : show}`, values);
}

function labelOf(role, form) {
  const option = [...form.querySelectorAll("[name=role] option")].find(({ value }) => value === role);
  return option?.text ?? role;
}
