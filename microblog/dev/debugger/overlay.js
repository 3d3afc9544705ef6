// Only with `run --debug`: the debugger above the page whose request failed, and that request once more.
// Whatever was typed stays as it is below.
const failed = new Map(); // the address of the traceback → the request that led to it
let repeating = null;

document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/__debugger__/overlay.css" }));

const TOKEN = "csrf_token";
const words = (body) => JSON.stringify([...(body ?? [])].filter(([name, value]) => name !== TOKEN && typeof value === "string"));

// At the window and first: a repeated request is the old one, whatever stands in its form by now.
addEventListener("htmx:before:request", (event) => {
  const { ctx } = event.detail;
  if (repeating?.source !== ctx.sourceElement) return;
  const { action, method, body, headers } = repeating;
  repeating = null;
  const token = ctx.request.headers["X-CSRFToken"] ?? document.querySelector(`input[name="${TOKEN}"]`)?.value;
  // What the form holds by now is not what is sent: nobody may take it for saved.
  if (words(ctx.request.body) !== words(body)) event.stopImmediatePropagation();
  if (body?.has(TOKEN) && token) body.set(TOKEN, token);
  Object.assign(ctx.request, { action, method, body, headers: { ...headers, ...(token && { "X-CSRFToken": token }) } });
}, true);

document.addEventListener("htmx:before:response", ({ detail: { ctx } }) => {
  const address = ctx.response.headers.get("X-Debugger");
  if (!address) return;
  const { action, method, body, headers } = ctx.request;
  failed.set(address, { source: ctx.sourceElement, target: ctx.target?.id, action, method, body, headers: { ...headers } });
  if (!ctx.sourceElement?.matches?.(".control__input")) open(address); // whoever is typing goes on typing; the toast waits
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('.toast a[href^="/__debugger__/"]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link.getAttribute("href"));
});

const make = (name, text, properties = {}) => Object.assign(document.createElement(name), { textContent: text, ...properties });

function open(address) {
  document.querySelector(".debugger-overlay")?.remove();
  const request = failed.get(address);
  const dialog = make("dialog", "", { className: "debugger-overlay" });
  const bar = make("header", "", { className: "debugger-overlay__bar" });
  const what = request ? `${request.method} ${request.action}` : "Debugger";
  const title = make("h2", what, { id: "debugger-title" });
  dialog.setAttribute("aria-labelledby", title.id);
  const again = make("button", "Repeat this request", { type: "button", className: "button button--small", disabled: !request });
  again.addEventListener("click", () => (dialog.close(), repeat(request)));
  const tab = make("a", "Open in a tab", { href: address, target: "_blank", rel: "noopener", className: "button button--small" });
  const close = make("button", "Close", { type: "button", className: "button button--small" });
  close.addEventListener("click", () => dialog.close());
  bar.append(title, again, tab, close);
  const frame = make("iframe", "", { src: address, title: "Traceback" });
  frame.addEventListener("load", () => frame.contentWindow.addEventListener("keydown", ({ key }) => key === "Escape" && dialog.close()));
  dialog.append(bar, frame);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function repeat(request) {
  const known = request.source.isConnected ? request.source : document.getElementById(request.source.id);
  const source = known ?? document.body;
  // Without its element the answer goes where it would have gone, if that is still there.
  const target = !known && document.getElementById(request.target);
  repeating = { ...request, source };
  // A stopped or refused request must not lend its content to the next one.
  htmx.ajax(request.method, request.action, { source, ...(!known && { swap: target ? "outerHTML" : "none" }), ...(target && { target }) }).finally(() => (repeating = null));
}
