// Signs in inside a Matrix client's widget: asks the client for an OpenID token (Matrix widget API, `get_openid`), and
// gives it to the board, which checks it with the person's own homeserver. Without a client around, it does nothing.
"use strict";
(() => {
  const form = document.getElementById("widget-sign-in");
  const client = window.parent;
  if (!form || client === window) return;

  const query = new URLSearchParams(window.location.search);
  const widgetId = query.get("widgetId") || form.dataset.widget;
  const button = form.querySelector("button");
  const trouble = document.getElementById("widget-trouble");
  const asked = "esnbot-" + Math.random().toString(36).slice(2);
  let finished = false;

  const show = (failed) => {
    finished = false;
    button.disabled = false;
    trouble.hidden = !failed;
  };

  const send = (message) => {
    // Nothing in it is secret, and only declared clients can be around us (frame-ancestors).
    client.postMessage({ api: "fromWidget", widgetId, data: {}, ...message }, "*");
  };

  const enter = async (credentials) => {
    if (finished) return;
    finished = true;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("matrix_server_name", credentials.matrix_server_name || "");
    fields.set("access_token", credentials.access_token || "");
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
      if (answer.ok) window.location.reload();
      else show(true);
    } catch {
      show(true);
    }
  };

  const decide = (response) => {
    if (response.state === "allowed") enter(response);
    else if (response.state !== "request") show(true);
  };

  window.addEventListener("message", (event) => {
    const message = event.data;
    if (event.source !== client || typeof message !== "object" || message === null) return;
    if (message.api === "fromWidget" && message.requestId === asked && message.response) {
      decide(message.response);
      return;
    }
    if (message.api !== "toWidget" || message.response) return;
    let response = {};
    if (message.action === "capabilities") response = { capabilities: [] };
    else if (message.action === "supported_api_versions") response = { supported_versions: ["0.0.1", "0.0.2"] };
    else if (message.action === "openid_credentials" && message.data.original_request_id === asked) decide(message.data);
    client.postMessage({ ...message, response }, event.origin);
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    trouble.hidden = true;
    send({ action: "get_openid", requestId: asked });
  });
  form.hidden = false;
})();
