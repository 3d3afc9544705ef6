// A file that is too large is said so before it is sent; the server says the same.
const readable = (bytes) => `${(bytes / 1e6).toFixed(1).replace(".0", "")} MB`;

function judge(input) {
  const limit = Number(input.dataset.maxBytes);
  const file = input.files[0];
  const over = file && file.size > limit;
  const message = document.getElementById(`${input.name}-message`);
  message.dataset.state = over ? "refused" : "idle";
  message.className = `message message--${message.dataset.state}`;
  message.textContent = "";
  if (over) {
    const icon = document.getElementById("toast-shape").content.querySelector(".icon").cloneNode(true);
    const words = document.createElement("span");
    words.textContent = `This picture has ${readable(file.size)}; up to ${readable(limit)} fit. Choose a smaller one.`;
    message.append(icon, words);
  }
  input.toggleAttribute("aria-invalid", over);
  if (over) input.setAttribute("aria-invalid", "true");
  return !over;
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("input[data-max-bytes]")) judge(target);
});
document.addEventListener("htmx:config:request", (event) => {
  const input = event.detail.ctx.sourceElement?.querySelector?.("input[data-max-bytes]");
  if (input && !judge(input)) {
    event.preventDefault();
    input.focus();
  }
});
