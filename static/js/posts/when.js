// The exact time on hover: strangers', whose zone the server does not know, in that of this device.
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });

document.addEventListener("pointerover", ({ target }) => {
  const time = target.closest("time[title]");
  if (!time || document.body.dataset.person) return;
  const moment = new Date(time.dateTime);
  time.title = `${day.format(moment)}, ${clock.format(moment)}`;
});
