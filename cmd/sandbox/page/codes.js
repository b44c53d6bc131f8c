/**
 * GitLab's page for the code of an application, on which a person says who they are. It is there while a code waits.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';

/** @param {import('./page.js').Page} page */
export function codeCard(page) {
  const { codes, accounts } = page.store.gitlab();
  if (!codes) return nothing;
  const me = page.store.user(page.store.me());
  const own = accounts.find(({ name }) => name === me?.real_name);
  const decide = async (event) => {
    event.preventDefault();
    const { code, account } = event.target.elements;
    const on = event.submitter.value === 'confirm';
    const { ok } = await page.act('confirm', { text: code.value.trim(), account: account.value, on });
    if (ok) page.toasts.tell(on ? 'Confirmed in GitLab.' : 'Denied in GitLab.');
  };
  return html`<form class="card codes" aria-labelledby="codes-title" @submit=${decide}>
    <h2 id="codes-title">Confirm a code</h2>
    <p>An application wants to know who you are in GitLab.</p>
    <label><span>Code</span><input id="gitlab-code" name="code" required autocomplete="off" spellcheck="false" /></label>
    <label>
      <span>Signed in as</span>
      <select name="account">
        ${accounts.map(
          (account) => html`<option value=${account.username} ?selected=${account === own}>
            ${account.name} (${account.username})
          </option>`,
        )}
      </select>
    </label>
    <p class="codes-buttons">
      <button class="button" value="confirm">Confirm</button>
      <button class="quiet-button" value="deny">Deny</button>
    </p>
  </form>`;
}

/** Shows the page, with the code that the link to it carries. @param {string} address @param {import('./page.js').Page} page */
export function openCodes(address, page) {
  const code = new URL(address).searchParams.get('user_code');
  page.focus('gitlab-code');
  requestAnimationFrame(() => {
    const field = document.getElementById('gitlab-code');
    if (field && code) field.value = code;
  });
}
