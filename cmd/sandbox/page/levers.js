/**
 * What goes wrong on demand, at GitLab, at Slack and at the bot.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { left } from './time.js';

const SIDES = { gitlab: 'GitLab', slack: 'Slack', bot: 'Bot' };

/** @param {import('./page.js').Page} page */
export function leversPane(page) {
  const levers = page.store.levers();
  return html`
    <p class="pane-intro">Pull one, go on as usual, and watch the app cope.</p>
    ${Object.entries(SIDES).map(([side, title]) => group(page, side, title, levers.filter((lever) => lever.side === side)))}
  `;
}

function group(page, side, title, levers) {
  if (!levers.length) return nothing;
  return html`<section class="levers" aria-labelledby="levers-${side}">
    <h2 id="levers-${side}">${title}</h2>
    <ul>${levers.map((lever) => html`<li class="lever ${lever.on ? 'on' : ''}">${row(page, lever)}</li>`)}</ul>
  </section>`;
}

function row(page, lever) {
  const hint = `lever-${lever.id}-hint`;
  return html`
    <div class="lever-words">
      <span class="lever-label">${lever.label}</span>
      ${lever.until ? remaining(lever.until) : nothing}
      <p class="lever-hint" id=${hint}>${lever.hint}</p>
    </div>
    ${control(page, lever, hint)}
  `;
}

function remaining(until) {
  return html`<time class="lever-left" datetime=${until} data-clock="left" .textContent=${left(until)}></time>`;
}

function control(page, lever, hint) {
  const busy = page.pulling.has(lever.id);
  const pull = () => page.pull(lever.id, !lever.on);
  if (lever.kind === 'switch') {
    return html`<button class="switch" role="switch" aria-checked=${lever.on} aria-busy=${busy} aria-label=${lever.label}
      aria-describedby=${hint} @click=${pull}><span></span></button>`;
  }
  const word = lever.on ? 'Undo' : 'Pull';
  return html`<button class="button small" aria-busy=${busy} aria-label="${word}: ${lever.label}" aria-describedby=${hint}
    @click=${pull}>${word}</button>`;
}
