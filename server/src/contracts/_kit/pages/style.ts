/**
 * The style of every page, inline. Texts have a contrast of 7:1 or more on their ground, borders of controls and the focus
 * ring 3:1 or more (WCAG 2.2: 1.4.3, 1.4.11, 2.4.13); what can be tapped is 48 px high (2.5.8).
 */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f3f4f7; --card: #fff; --text: #1b1f29; --soft: #4a5163; --line: #d9dce4; --edge: #767d8f;
  --action: #1f45a8; --action-over: #17367f; --on-action: #fff; --ring: #1f45a8;
  --bad: #8f1d1d; --bad-ground: #fdf0ef;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12141a; --card: #1b1e27; --text: #eceef4; --soft: #b4bac9; --line: #2f3442; --edge: #80879a;
    --action: #a9c1ff; --action-over: #c8d7ff; --on-action: #101a38; --ring: #a9c1ff;
    --bad: #ffb9b3; --bad-ground: #351c1e;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: 24px 16px; display: grid; place-items: center;
  background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
main {
  width: 100%; max-width: 440px; padding: 28px 24px; overflow-wrap: anywhere;
  background: var(--card); border: 1px solid var(--line); border-radius: 14px;
}
@media (min-width: 600px) { main { padding: 40px; } }
.service { margin: 0 0 20px; color: var(--soft); font-size: 15px; font-weight: 600; }
h1 { margin: 0 0 12px; font-size: 26px; line-height: 1.25; font-weight: 700; text-wrap: balance; }
p { margin: 0 0 12px; }
p:last-child { margin-bottom: 0; }
form { margin-top: 24px; }
label { display: block; margin: 0 0 6px; font-weight: 600; }
a { color: var(--action); }
.hint { margin: 0 0 6px; color: var(--soft); font-size: 15px; }
.note { margin-top: 20px; color: var(--soft); font-size: 15px; }
input {
  display: block; width: 100%; min-height: 48px; margin: 0 0 20px; padding: 10px 12px;
  background: var(--card); color: inherit; font: inherit; border: 1px solid var(--edge); border-radius: 8px;
}
input[aria-invalid] { border: 2px solid var(--bad); padding: 9px 11px; }
button {
  display: block; width: 100%; min-height: 48px; padding: 11px 20px; cursor: pointer;
  background: var(--action); color: var(--on-action); font: inherit; font-weight: 600;
  border: 1px solid transparent; border-radius: 8px; text-wrap: balance;
}
button:hover { background: var(--action-over); }
:focus-visible { outline: 3px solid var(--ring); outline-offset: 2px; }
.problem {
  margin: 20px 0 0; padding: 12px 14px; background: var(--bad-ground); color: var(--bad);
  border-left: 4px solid var(--bad); border-radius: 4px; font-weight: 600;
}
`
