// Three steps of a bank's app, and beside it the desk of whoever tries failures out.
"use strict";

const at = (id) => document.getElementById(id);
const steps = ["scan", "confirm", "done"];
const vnd = (amount) => Math.abs(amount).toLocaleString("vi-VN");
const STATES = {
  pending: "chờ gửi", held: "đang giữ", accepted: "bệnh viện đã nhận",
  given_up: "thôi gửi", dropped: "mất trên đường",
};
const SWITCHES = {
  drop_webhook: "Mất tin báo", duplicate: "Báo hai lần", reorder: "Báo lộn thứ tự",
  bad_signature: "Chữ ký sai", stale_timestamp: "Tin báo cũ một giờ",
  fail: "Chuyển tiền không thành", slow: "Trả lời chậm", http_500: "Ngân hàng báo lỗi 500",
  lose_reply: "Mất câu trả lời", html: "Trả về trang web lạ",
};
let wanted = null;

function show(step) {
  for (const name of steps) at(name).hidden = name !== step;
  at("fault").hidden = true;
  // never on the button that would pay a second time
  const ready = { confirm: "pay", done: "next" }[step];
  if (ready) at(ready).focus();
}

function complain(text) {
  at("fault").textContent = text;
  at("fault").hidden = false;
}

async function ask(path, options) {
  try {
    const answer = await fetch(path, options);
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.error || "Có lỗi, xin thử lại.");
    return content;
  } catch (error) {
    throw error instanceof TypeError || error instanceof SyntaxError
      ? new Error("Không nối được ngân hàng.") : error;
  }
}

const post = (path, content) => ask(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
});

async function read(body, type) {
  try {
    wanted = await ask("/phone/read", { method: "POST", headers: { "Content-Type": type }, body });
  } catch (error) {
    complain(error.message);
    return;
  }
  at("holder").textContent = wanted.holder;
  at("bank").textContent = wanted.bank;
  at("account").textContent = wanted.account;
  at("amount").value = wanted.amount ? vnd(wanted.amount) : "";
  at("memo").value = wanted.memo;
  const chosen = at("payer").value;
  at("payer").replaceChildren(...wanted.payers.map((payer) => new Option(`${payer.name} · ${payer.bank}`, payer.id)));
  if (chosen) at("payer").value = chosen;
  show("confirm");
}

async function pay(button) {
  button.disabled = true;
  try {
    const paid = await post("/phone/transfer", {
      bin: wanted.bin, account: wanted.account, memo: at("memo").value,
      amount: Number(at("amount").value.replace(/\D/g, "")), payer: at("payer").value,
    });
    at("sum").textContent = `${vnd(paid.amount)} đ`;
    at("done-holder").textContent = wanted.holder;
    at("reference").textContent = paid.bank_reference;
    at("time").textContent = new Date(paid.booked_at).toLocaleString("vi-VN", { timeZone: "Asia/Ho_Chi_Minh" });
    at("arrived").textContent = paid.memo || "(trống)";
    show("done");
  } catch (error) {
    complain(error.message);
  } finally {
    button.disabled = false;
    look();
  }
}

function readPicture(file) {
  if (file && file.type.startsWith("image/")) read(file, file.type);
}

at("picture").addEventListener("change", (event) => {
  readPicture(event.target.files[0]);
  event.target.value = "";
});
at("read").addEventListener("click", () => {
  const text = at("text").value.trim();
  if (text) read(text, "text/plain"); else complain("Xin chọn ảnh hoặc dán nội dung mã QR.");
});
document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
  if (file && !at("scan").hidden) { event.preventDefault(); readPicture(file); }
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  at("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") readPicture(event.dataTransfer.files[0]);
  });
}
at("amount").addEventListener("input", (event) => {
  const digits = event.target.value.replace(/\D/g, "").slice(0, 12);
  event.target.value = digits ? vnd(Number(digits)) : "";
});
at("pay").addEventListener("click", (event) => pay(event.target));
at("again").addEventListener("click", (event) => pay(event.target));
at("back").addEventListener("click", () => show("scan"));
at("next").addEventListener("click", () => { at("text").value = ""; show("scan"); });

// -- the desk beside the phone

for (const [name, words] of Object.entries(SWITCHES)) {
  const box = Object.assign(document.createElement("input"), { type: "checkbox", id: name });
  const label = document.createElement("label");
  label.append(box, words);
  at("switches").append(label);
  box.addEventListener("change", () => act(name, { on: box.checked }));
}
at("memo_style").addEventListener("change", (event) => act("memo_style", { style: event.target.value }));
for (const button of document.querySelectorAll("[data-act]")) {
  const value = button.dataset.value ? { s: Number(button.dataset.value) } : {};
  button.addEventListener("click", () => act(button.dataset.act, value));
}

async function act(name, value) {
  try { await post(`/_emu/${name}`, value); } catch (error) { complain(error.message); }
  look();
}

function line(callback) {
  const item = document.createElement("li");
  const what = document.createElement("span");
  const state = document.createElement("span");
  what.textContent = callback.about === "test" ? "tin thử" : `…${callback.about.slice(-8)}`;
  const sent = callback.sendings.length;
  state.textContent = STATES[callback.state] + (sent > 1 ? ` (lần ${sent})` : "");
  state.className = callback.state;
  item.append(what, state);
  return item;
}

function statement(account, day) {
  const item = document.createElement("li");
  const name = document.createElement("b");
  name.textContent = `${account.bank} · ${account.account}`;
  item.append(name);
  for (const kind of ["csv", "xlsx"]) {
    const link = document.createElement("a");
    link.href = `/statement/${account.account}/${day}.${kind}`;
    link.textContent = kind.toUpperCase();
    item.append(link);
  }
  return item;
}

async function look() {
  let state;
  try { state = await ask("/_emu/state"); } catch { return; }
  const told = state.callbacks.slice(-7).reverse();
  at("callbacks").replaceChildren(...told.map(line));
  at("quiet").hidden = told.length > 0;
  const target = state.callback_url || (state.accounts.find((each) => each.callback_url) || {}).callback_url;
  at("where").textContent = target ? `Gửi tới ${target}` : "Chưa biết địa chỉ của bệnh viện.";
  for (const name of Object.keys(SWITCHES)) at(name).checked = Boolean(state.faults[name]);
  if (document.activeElement !== at("memo_style")) at("memo_style").value = state.faults.memo_style;
  const day = new Date(new Date(state.now).getTime() + 7 * 3600e3).toISOString().slice(0, 10);
  at("statements").replaceChildren(...state.accounts.map((account) => statement(account, day)));
}

look();
setInterval(look, 2000);
