// What the pages cannot do as plain links and forms: keys, questions, clocks and news.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]");

// -- clocks: relative on the page, exact and in the viewer's zone for who rests on it
const UNITS = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
function tick() {
  for (const element of all("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (element.hasAttribute("data-clock")) {
      element.textContent = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      continue;
    }
    const seconds = (Date.now() - at) / 1000;
    const [size, unit] = UNITS.find(([size]) => Math.abs(seconds) >= size) ?? [1, "s"];
    const count = Math.floor(Math.abs(seconds) / size);
    element.textContent = count === 0 ? "now" : seconds > 0 ? `${count}${unit} ago` : `in ${count}${unit}`;
    element.title = at.toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
  }
}
document.addEventListener("DOMContentLoaded", () => {
  tick();
  // On a phone the pages are one line that scrolls.
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
});
document.addEventListener("htmx:after:swap", tick);
setInterval(tick, 10000);

// -- one press is one action: the second click of a double one would meet the row that moved up
function once(event) {
  const isSecond = event.type === "click" ? event.detail > 1 : event.repeat && event.key === "Enter";
  if (!isSecond || !event.target.closest?.("button, input:not([type=checkbox])")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
addEventListener("click", once, true);
addEventListener("keydown", once, true);

// -- what was typed stays, whatever the page learns meanwhile
document.addEventListener("input", ({ target }) => {
  if (target.closest("main")) target.setAttribute("hx-morph-skip", "");
  holdEdited();
});

// -- what is approved as it was shown is not what stands in an edited field
function holdEdited() {
  for (const button of all("article [data-as-shown]")) {
    const field = button.closest("article").querySelector("textarea");
    button.disabled = field.value !== field.defaultValue;
  }
}
document.addEventListener("DOMContentLoaded", holdEdited);
document.addEventListener("htmx:after:swap", holdEdited);

// -- questions: what cannot be undone asks first
document.addEventListener("htmx:confirm", (event) => {
  event.preventDefault();
  const dialog = document.getElementById("confirm");
  dialog.querySelector("p").textContent = event.detail.ctx.confirm;
  dialog.querySelector("[data-answer=yes]").textContent = event.target.dataset?.yes || "Do it";
  dialog.returnValue = "";
  dialog.onclick = ({ target }) => target.dataset?.answer && dialog.close(target.dataset.answer);
  dialog.onclose = () => {
    if (dialog.returnValue === "yes") event.detail.issueRequest();
    else event.detail.dropRequest();
  };
  dialog.showModal();
});
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (event.target.closest?.("[data-closes]")) event.target.closest("dialog").close();
  if (event.target.closest?.("[data-news]")) document.body.dispatchEvent(new CustomEvent("actp:acted", { bubbles: true }));
});

// -- an action that did not arrive says so
function refuse(cause, remedy) {
  const note = document.getElementById("unanswered").content.cloneNode(true);
  [note.querySelector("strong").textContent, note.querySelector("span").textContent] = [cause, remedy];
  document.getElementById("toast").replaceChildren(note);
}
document.addEventListener("htmx:error", ({ detail }) => {
  if (detail.ctx?.request.method === "POST")
    refuse("The console did not answer.", "Check here whether it was done, then try again.");
});

// -- notes disappear, refusals stay until the next one
document.addEventListener("htmx:after:swap", () => {
  const note = document.querySelector("#toast .toast.done");
  if (note) setTimeout(() => note.remove(), 6000);
});

// -- news: rows never jump under the pointer
let news = 0;
document.addEventListener("actp:events", (event) => {
  const [count, ...ids] = String(event.detail?.data ?? "0").split(" ");
  const here = document.querySelector("[data-command]")?.dataset.command;
  if (here && ids.includes(here)) document.body.dispatchEvent(new CustomEvent("actp:touched"));
  news += Number(count);
  if (news > 0) offer(`${news} new`);
});
document.addEventListener("actp:missed", (event) => {
  document.body.dispatchEvent(new CustomEvent("actp:touched"));
  if (event.detail.data) offer("Show what is new");
});
function offer(words) {
  const button = document.querySelector("[data-news]");
  if (!button) return;
  button.textContent = words;
  button.hidden = false;
}
// A list whose number in the menu is another one than when it was read, because someone else acted.
const follows = document.querySelector("[data-news][data-follows]")?.dataset.follows;
const counted = () => document.getElementById(follows)?.textContent.trim();
let countRead = counted();
document.addEventListener("htmx:after:swap", ({ detail }) => {
  if (detail.ctx.target?.id === "main") [countRead, news] = [counted(), 0];
  else if (follows && counted() !== countRead) offer("Changed meanwhile: show the list as it is now");
});

// -- keys
let waitsForPage = false;
function rows() { return all("[data-row]"); }
function current() { return document.querySelector("[data-at]"); }
function move(step) {
  const list = rows();
  if (!list.length) return;
  const next = list[Math.max(0, Math.min(list.length - 1, list.indexOf(current()) + step))];
  current()?.removeAttribute("data-at");
  next.setAttribute("data-at", "");
  next.querySelector("a.open, a")?.focus();
  next.scrollIntoView({ block: "nearest" });
}
const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => current()?.querySelector("input[type=checkbox]")?.click(),
  "/": () => (document.querySelector("[data-search]") ?? { focus: () => location.assign("/commands") }).focus(),
  "?": () => document.getElementById("keys").showModal(),
  p: () => document.querySelector("[data-act=p]")?.focus() ?? location.assign("/limits"),
  r: () => act("r"),
  c: () => act("c"),
};
function act(key) {
  if (current() && !all(".box input:checked").length) KEYS.x();
  document.querySelector(`[data-act=${key}]`)?.click();
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (waitsForPage) {
    waitsForPage = false;
    document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`)?.click();
    return;
  }
  if (event.key === "g") {
    waitsForPage = true;
    setTimeout(() => { waitsForPage = false; }, 1500);
    return;
  }
  const command = KEYS[event.key];
  if (command) {
    event.preventDefault();
    command();
  }
});
