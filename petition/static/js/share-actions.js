/** The actions that pass a letter on: what the device offers, and copying the address. Without it, there are plain links. */

const root = document.documentElement.classList;
root.toggle("shares", "share" in navigator);
root.toggle("copies", Boolean(navigator.clipboard));

document.addEventListener("click", ({ target }) => {
  const { title, url } = target.closest(".share")?.dataset ?? {};
  if (target.closest("[data-native]")) navigator.share({ title, url }).catch(() => {}); // closed without a choice
  if (target.closest("[data-link]")) copy(target, url);
});

async function copy(button, url) {
  await navigator.clipboard.writeText(url);
  button.parentElement.querySelector("[role=status]").textContent = button.dataset.done;
}
