/**
 * The markdown block (https://docs.slack.dev/reference/block-kit/blocks/markdown-block): standard Markdown, of which
 * headings, paragraphs, quotes, lists, tasks, code, tables and lines are drawn.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { inline } from './markdown_inline.js';

/**
 * @param {string} text
 * @param {import('./blocks.js').Ctx} ctx
 */
export function markdown(text, ctx) {
  const lines = text.replaceAll(tooDeep, '>'.repeat(DEEPEST)).split(/\r?\n/);
  return html`<div class="kit-markdown">${parse(lines, ctx)}</div>`;
}

/** A quote in a quote in a quote: thousands of them, which one line can hold, would end the drawing of the page. */
const DEEPEST = 10;
const tooDeep = new RegExp(`^(?:[ \\t]*>){${DEEPEST},}`, 'gm');

const bullet = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const line = /^\s{0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/;
const tableRule = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** Each rule says if it begins at a line, takes its lines off the front and answers what they look like. */
const rules = [
  [(rest) => !rest[0].trim(), (rest) => void rest.shift()],
  [(rest) => /^\s*(```|~~~)/.test(rest[0]), fence],
  [(rest) => /^#{1,6}\s/.test(rest[0]), heading],
  [(rest) => line.test(rest[0]), (rest) => rest.shift() && html`<hr class="kit-divider" />`],
  [(rest) => /^\s*>/.test(rest[0]), quote],
  [(rest) => bullet.test(rest[0]), list],
  [(rest) => rest[0].includes('|') && tableRule.test(rest[1] ?? '') && rest[1].includes('-'), table],
];

function parse(lines, ctx) {
  const rest = [...lines];
  const out = [];
  while (rest.length) {
    const rule = rules.find(([begins]) => begins(rest));
    out.push((rule?.[1] ?? paragraph)(rest, ctx) ?? nothing);
  }
  return out;
}

/** Takes lines off the front as long as they are wanted. */
function take(rest, wanted) {
  const end = rest.findIndex((one, i) => !wanted(one, i));
  return rest.splice(0, end < 0 ? rest.length : end);
}

function fence(rest) {
  const [, mark] = /^\s*(```|~~~)/.exec(rest.shift());
  const code = take(rest, (one) => one.trim() !== mark);
  rest.shift();
  return html`<pre class="kit-pre">${code.join('\n')}</pre>`;
}

function heading(rest, ctx) {
  const [, signs, words] = /^(#+)\s+(.*?)\s*#*$/.exec(rest.shift());
  // All are headings for those who jump between them; three sizes are enough for the eye.
  const level = Math.min(signs.length, 3);
  const shown = inline(words, ctx);
  return html`<div class="kit-heading kit-heading-${level}" role="heading" aria-level=${level + 2}>${shown}</div>`;
}

function quote(rest, ctx) {
  const lines = take(rest, (one) => /^\s*>/.test(one)).map((one) => one.replace(/^\s*> ?/, ''));
  return html`<blockquote class="kit-quote">${parse(lines, ctx)}</blockquote>`;
}

/** What is indented under an item belongs to it: a list in it, or more of its text. */
function list(rest, ctx) {
  const [, indent, sign] = bullet.exec(rest[0]);
  const ordered = /\d/.test(sign);
  const items = [];
  while (rest.length) {
    const [, depth, mark, words] = bullet.exec(rest[0]) ?? [];
    if (mark === undefined || depth.length !== indent.length || /\d/.test(mark) !== ordered) break;
    rest.shift();
    const inside = take(rest, (one) => one.trim() && one.search(/\S/) > indent.length);
    items.push(item(words, dedented(inside), ctx));
  }
  if (!ordered) return html`<ul class="kit-list kit-level-${indent.length > 0 ? 1 : 0}">${items}</ul>`;
  return html`<ol class="kit-list kit-level-${indent.length > 0 ? 1 : 0}" start=${parseInt(sign, 10)}>${items}</ol>`;
}

function item(words, inside, ctx) {
  const [, box, task] = /^\[([ xX])\]\s+(.*)$/.exec(words) ?? [];
  if (box === undefined) return html`<li>${inline(words, ctx)}${parse(inside, ctx)}</li>`;
  const sign = html`<input type="checkbox" disabled .checked=${box !== ' '} aria-label=${task} />`;
  return html`<li class="kit-task">${sign}${inline(task, ctx)}${parse(inside, ctx)}</li>`;
}

/** Keeps one column of indent, by which a list in a list is known. */
function dedented(lines) {
  const least = Math.min(...lines.map((one) => one.search(/\S/)));
  return lines.map((one) => ` ${one.slice(least)}`);
}

function table(rest, ctx) {
  const cells = (row) =>
    row
      .trim()
      .replace(/^\||\|$/g, '')
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|'));
  const head = cells(rest.shift());
  const look = cells(rest.shift()).map((rule) => {
    const [left, right] = [rule.startsWith(':'), rule.endsWith(':')];
    return `kit-wrapped kit-align-${right ? (left ? 'center' : 'right') : 'left'}`;
  });
  const rows = take(rest, (one) => one.includes('|')).map(cells);
  const row = (all, cell) => html`<tr>${head.map((_, i) => cell(inline(all[i] ?? '', ctx), look[i] ?? ''))}</tr>`;
  return html`<div class="kit-table-frame" role="group" aria-label="Table" tabindex="0">
    <table class="kit-table">
      <thead>${row(head, (words, name) => html`<th scope="col" class=${name}>${words}</th>`)}</thead>
      <tbody>${rows.map((all) => row(all, (words, name) => html`<td class=${name}>${words}</td>`))}</tbody>
    </table>
  </div>`;
}

function paragraph(rest, ctx) {
  const lines = take(rest, (one, i) => i === 0 || !rules.some(([begins]) => begins(rest.slice(i))));
  return html`<p class="kit-paragraph">${inline(lines.map((one) => one.trim()).join('\n'), ctx)}</p>`;
}
