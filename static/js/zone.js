// The zone of this device: a newcomer's from the start; where another one is chosen it is proposed, and a click takes it.
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

function propose() {
  for (const field of document.querySelectorAll("[data-zone-here]")) field.value = here;
  const button = document.querySelector("[data-zone]");
  if (!button) return;
  const field = document.getElementById(button.dataset.zone);
  button.hidden = field.value === here || ![...field.options].some((option) => option.value === here);
  button.textContent = `Use ${here.replaceAll("_", " ")}, as on this device`;
}
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-zone]");
  if (!button) return;
  const field = document.getElementById(button.dataset.zone);
  field.value = here;
  field.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener("change", propose);
document.addEventListener("htmx:after:swap", propose);
propose();
