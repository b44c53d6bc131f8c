/**
 * What a person does is told to the server: POST do/<action>, JSON both ways.
 * @module
 */

/** Slack gives an app 3 s; a server that says nothing for this long is not there any more. */
const PATIENCE = 15_000;

/**
 * @param {string} action
 * @param {object} body
 * @returns {Promise<{ok: boolean, error?: string}>} the server's answer; it never rejects
 */
export async function send(action, body) {
  try {
    const response = await fetch(`do/${action}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!response.ok) return failed((await response.text()).trim() || `The sandbox answered ${response.status}.`);
    const answer = await response.json();
    return answer.ok ? answer : failed(answer.error);
  } catch (error) {
    return failed(
      error.name === 'TimeoutError'
        ? 'The sandbox has not answered for 15 seconds.'
        : 'The sandbox cannot be reached. Is it still running?',
    );
  }
}

const failed = (error = 'Something went wrong.') => ({ ok: false, error });
