/**
 * How an app from elsewhere is pointed at this Slack. It is there only where the server gives the tokens away.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { icon } from './icons.js';

/** @param {import('./page.js').Page} page */
export function connectCard(page) {
  const { app, app_token: appToken, bot_token: botToken, api_url: url, connections } = page.store.workspace();
  if (!appToken || !botToken) return nothing;
  const settings = [
    ['SLACK_API_URL', url],
    ['SLACK_APP_TOKEN', appToken],
    ['SLACK_BOT_TOKEN', botToken],
  ];
  const all = settings.map(([name, value]) => `export ${name}=${value}`).join('\n');
  return html`<section class="card connect" aria-labelledby="connect-title">
    <h2 id="connect-title">Connect ${app.name}</h2>
    <p class="connected">
      <span class="presence ${connections ? 'present' : ''}"></span>
      ${connections ? `Connected (${connections} ${connections === 1 ? 'connection' : 'connections'}).` : 'Not connected yet.'}
    </p>
    <p>Start the app in Socket Mode with these settings. Tokens and workspace are simulated and mean nothing to the real Slack.</p>
    <dl class="settings">
      ${settings.map(
        ([name, value]) => html`<div>
          <dt>${name}</dt>
          <dd><code>${value}</code>${copyButton(page, name, value)}</dd>
        </div>`,
      )}
    </dl>
    <button class="button" @click=${() => copy(page, 'all three', all)}>${icon('copy')} Copy as export lines</button>
  </section>`;
}

const copyButton = (page, name, value) => html`<button class="icon-button" aria-label="Copy ${name}" title="Copy"
  @click=${() => copy(page, name, value)}>${icon('copy')}</button>`;

async function copy(page, name, text) {
  try {
    await navigator.clipboard.writeText(text);
    page.toasts.tell(`Copied ${name}.`);
  } catch {
    page.toasts.warn('The browser does not let the page copy. Select the text instead.');
  }
}
