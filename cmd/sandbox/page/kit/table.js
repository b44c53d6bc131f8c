/**
 * The table block (https://docs.slack.dev/reference/block-kit/blocks/table-block).
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { richText } from './rich_text.js';

export function table({ rows, column_settings: settings = [] }, ctx) {
  const [head, ...body] = rows;
  const look = (i) => `kit-align-${settings[i]?.align ?? 'left'} ${settings[i]?.is_wrapped ? 'kit-wrapped' : ''}`;
  return html`<div class="kit-table-frame" role="group" aria-label="Table" tabindex="0">
    <table class="kit-table">
      <thead>
        <tr>
          ${head.map((cell, i) => html`<th scope="col" class=${look(i)}>${content(cell, ctx)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${body.map(
          (row) => html`<tr>
          ${row.map((cell, i) => html`<td class=${look(i)}>${content(cell, ctx)}</td>`)}
        </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function content(cell, ctx) {
  if (cell.type === 'rich_text') return richText(cell.elements, ctx);
  return cell.text ?? cell.value ?? nothing;
}
