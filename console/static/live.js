// One stream for all open pages: a browser opens six connections to a host and no seventh, so the
// visible page that holds the lock reads the stream and passes it on to the others.
"use strict";
(() => {
  const NAME = "actp-live";
  // The server sends something every 15 s; a page that hears nothing reads from a dead connection.
  const SILENT_MS = 40_000, CHECK_MS = 5_000, RETRY_MS = 2_000, ASK_MS = 200;
  // A restart of the console takes a moment and is no news.
  const NOTICE_MS = 2_000;
  const element = document.getElementById("live");
  const channel = new BroadcastChannel(NAME);
  let connection = null, release = null, waiting = null, notice = null, heardAt = Date.now();
  // A list names the last event before it was read, and is told of those since.
  const readAfter = element.dataset.seen;
  let lastId = "", keptSince = readAfter;
  // What was told last, for a page that opens meanwhile and has not read it.
  const kept = [], KEPT = 100, PAGE = Math.random();

  // -- who reads
  function take() {
    if (document.hidden || release || waiting) return;
    if (!navigator.locks) return ask();
    waiting = new AbortController();
    navigator.locks.request(NAME, { signal: waiting.signal }, hold).catch(leave);
  }
  // Without Web Locks a page reads unless another one answers that it does.
  function ask() {
    const asked = Date.now();
    channel.postMessage({ event: "actp:who" });
    setTimeout(() => {
      if (release || document.hidden || heardAt > asked) return;
      channel.postMessage({ event: "actp:here" });
      hold();
    }, ASK_MS * (1 + Math.random()));
  }
  function hold() {
    waiting = null;
    if (document.hidden) return undefined;
    return new Promise((done) => {
      release = done;
      connect();
    });
  }
  function leave() {
    waiting?.abort();
    release?.();
    if (release && !navigator.locks) channel.postMessage({ event: "actp:left" });
    waiting = release = null;
    if (connection) close();
  }
  function connect() {
    heardAt = Date.now();
    element.dispatchEvent(new CustomEvent("actp:connect"));
  }
  function connectLater() {
    setTimeout(() => { if (release && !connection) connect(); }, RETRY_MS);
  }
  function close() {
    connection.config.reconnect = false;
    connection.abortController.abort();
  }

  // -- what is read, here and on the other pages
  function receive({ event, data, id }) {
    heardAt = Date.now();
    lastId = id || lastId;
    if (event) element.dispatchEvent(new CustomEvent(event, { bubbles: true, detail: { data } }));
    else htmx.swap({ sourceElement: element, target: element, text: data, swap: "none swapEmpty:false" });
  }
  function tell(event, data = "") {
    channel.postMessage({ event, data });
    receive({ event, data });
  }
  function keep(message) {
    if (!message.id || !message.event) return;
    keptSince ||= message.id;
    if (kept.push(message) > KEPT) keptSince = kept.shift().id;
  }
  function catchUp({ page, seen }) {
    if (!release) return;
    const later = kept.filter(({ id }) => Number(id) > Number(seen));
    const isGap = seen && Number(seen) < Number(keptSince);
    const missed = !seen || isGap ? [{ event: "actp:missed", data: isGap ? "much" : "" }] : later;
    for (const message of missed) channel.postMessage({ ...message, page });
  }
  channel.onmessage = ({ data }) => {
    if (data.page && data.event !== "actp:joined" && data.page !== PAGE) return;
    if (data.event && data.id && Number(data.id) <= Number(readAfter)) return;
    keep(data);
    if (data.event === "actp:left") take();
    else if (data.event === "actp:joined") catchUp(data);
    else if (data.event !== "actp:who") receive(data);
    else if (release) channel.postMessage({ event: "actp:here" });
  };

  const own = (handle) => (event) => { if (event.target === element) handle(event.detail); };
  document.addEventListener("htmx:config:request", own(({ ctx }) => {
    if (lastId) ctx.request.headers["Last-Event-ID"] = lastId;
    else if (readAfter) ctx.request.headers["ACTP-Read-After"] = readAfter;
  }));
  document.addEventListener("htmx:sse:before:connection", own((detail) => { connection = detail.connection; }));
  document.addEventListener("htmx:sse:after:connection", own(() => {
    if (!release) return close();
    tell("actp:found");
    // Pages are as old as their load; later the server knows what was missed.
    if (!lastId) tell("actp:missed");
  }));
  document.addEventListener("htmx:sse:before:message", own(({ message }) => {
    heardAt = Date.now();
    lastId = message.id || lastId;
    const passed = { event: message.event, data: message.data, id: message.id };
    keep(passed);
    channel.postMessage(passed);
  }));
  document.addEventListener("htmx:sse:error", own(({ status }) => tell("actp:lost", status)));
  document.addEventListener("htmx:sse:close", own(() => { connection = null; connectLater(); }));
  // The extension tries again after a connection was lost, not after the first one failed.
  document.addEventListener("htmx:finally:request", own(({ ctx }) => {
    if (connection) return;
    tell("actp:lost", ctx.response?.status);
    connectLater();
  }));
  setInterval(() => {
    if (Date.now() - heardAt < SILENT_MS || document.hidden) return;
    heardAt = Date.now();
    if (connection) connection.abortController.abort();
    else if (!release && !navigator.locks) ask();
    else if (!release) navigator.locks.request(NAME, { steal: true }, hold).catch(leave);
  }, CHECK_MS);
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : take()));
  channel.postMessage({ event: "actp:joined", page: PAGE, seen: readAfter });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) document.body.dispatchEvent(new CustomEvent("actp:acted", { bubbles: true }));
    take();
  });

  // -- what the page says about it
  const notices = Object.fromEntries(
    [...document.querySelectorAll("[data-notice]")].map((each) => [each.dataset.notice, each]));
  function show(name) {
    for (const each of Object.values(notices)) each.hidden = each.dataset.notice !== name;
  }
  document.addEventListener("actp:lost", ({ detail }) => {
    if (notice) return;
    const since = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    notice = setTimeout(() => {
      notices.lost.querySelector("time").textContent = since;
      show(detail.data === 403 ? "ended" : "lost");
    }, NOTICE_MS);
  });
  document.addEventListener("actp:found", () => {
    clearTimeout(notice);
    notice = null;
    show("");
  });
  document.addEventListener("actp:version", ({ detail }) => {
    if (detail.data !== element.dataset.version) show("updated");
  });
})();
