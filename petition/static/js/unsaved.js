// Warns before a page is left while its forms have unsaved input. It runs only on the pages of organisers. Without it,
// the buttons that leave a draft save it, and the browser's Back button keeps a text.

const forms = [...document.querySelectorAll("main form[method=post]:not([data-passkey], [data-unwarned])")];
const redrawn = document.querySelector("[data-unsaved], main .errors:not([hidden])"); // the page was rendered again with unsaved input
let sent = null;

document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) sent = event.target;
});

addEventListener("pageshow", () => {
  sent = null;
});

addEventListener("beforeunload", (event) => {
  const waiting = forms.some((form) => form !== sent && [...form.elements].some(redrawn && !sent ? filled : changed));
  if (waiting) event.preventDefault();
});

function typable(control) {
  return control.name && !control.disabled && !control.readOnly && !["hidden", "submit", "button"].includes(control.type);
}

function filled(control) {
  const text = control.tagName === "TEXTAREA" || ["text", "url", "email", "datetime-local"].includes(control.type);
  return typable(control) && (changed(control) || (text && control.value.trim() !== ""));
}

function changed(control) {
  if (!typable(control)) return false;
  if (control.tagName === "SELECT") return control.selectedIndex !== chosen(control);
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  return control.defaultValue !== undefined && control.value !== control.defaultValue;
}

function chosen(select) {
  const first = [...select.options].findIndex((option) => option.defaultSelected);
  return Math.max(first, 0);
}
