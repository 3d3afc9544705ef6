// Debug mode only: lists what this page can send, and injects without loading the page anew, so that what is typed stays.
const drawer = document.querySelector("[data-faults]");
const form = drawer.querySelector("form");
const actions = form.querySelector("[data-actions]");
const METHODS = { get: "GET", post: "POST" };

function found() {
  const rows = new Map();
  const add = (method, address, element) => {
    if (!address || drawer.contains(element)) return;
    const action = `${method} ${new URL(address, location.href).pathname}`;
    rows.set(action, element.matches(".control__input") ? `${action} (while typing)` : action);
  };
  for (const element of document.querySelectorAll("form, [hx-get], [hx-post]")) {
    if (element.matches("form")) add(METHODS[element.method] ?? "POST", element.getAttribute("action"), element);
    for (const name of Object.keys(METHODS)) add(METHODS[name], element.getAttribute(`hx-${name}`), element);
  }
  return [...rows].sort(([one], [other]) => other.startsWith("POST") - one.startsWith("POST"));
}

function list() {
  const chosen = form.elements.where.value;
  const rows = found();
  if (chosen.includes(" ") && !rows.some(([action]) => action === chosen)) rows.push([chosen, `${chosen} (gone)`]);
  actions.replaceChildren(...rows.map(([action, words]) => new Option(words, action, false, action === chosen)));
}

async function ask(options = {}) {
  const answer = await fetch(form.action, { headers: { Accept: "application/json" }, ...options }).catch(() => null);
  if (!answer?.ok) return void (form.querySelector("[data-armed]").textContent = answer ? await answer.text() : "The site does not answer.");
  const { waits, words } = await answer.json();
  drawer.classList.toggle("is-armed", waits);
  form.querySelector("[data-armed]").textContent = words;
}

const token = form.elements.csrf_token.value; // a fresh one for the site's own forms is written over it
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  body.set("csrf_token", token);
  ask({ method: "POST", body });
});
// The box is too narrow for the whole sentence.
function tell() {
  const said = form.elements.fault.selectedOptions[0].text.replace(/^\w+: /, "");
  form.querySelector("[data-what]").textContent = `${said[0].toUpperCase()}${said.slice(1)}${said.endsWith("saved all the same") ? "" : "; nothing is saved"}.`;
}
form.elements.fault.addEventListener("change", tell);
tell();

document.addEventListener("htmx:after:swap", list);
document.addEventListener("htmx:finally:request", () => drawer.classList.contains("is-armed") && ask());
list();
