// Shows a preview that the server renders, shortly after the last key press. Without it, there is a button.

const PAUSE = 400;

for (const form of document.querySelectorAll("[data-preview]")) {
  const text = form.elements.namedItem("markdown");
  const shown = document.querySelector("[data-shown]");
  let timer;
  let turn = 0;

  const look = async () => {
    const mine = ++turn;
    const body = new URLSearchParams({ token: form.elements.namedItem("token").value, lang: form.dataset.lang, markdown: text.value });
    const answer = await fetch(form.dataset.preview, { method: "POST", body, cache: "no-store", redirect: "error" });
    const html = answer.ok ? await answer.text() : null;
    if (html === null || mine !== turn) return;
    const made = new DOMParser().parseFromString(html, "text/html");
    shown.replaceChildren(...made.body.childNodes);
    document.querySelector("[data-empty]")?.toggleAttribute("hidden", text.value.trim() !== "");
  };

  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => look().catch(() => {}), PAUSE);
  });
}
