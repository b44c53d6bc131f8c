/**
 * GitLab's statuses as people read them.
 * @module
 */

const looks = {
  success: 'success',
  failed: 'failed',
  running: 'running',
  canceling: 'canceled',
  canceled: 'canceled',
  skipped: 'skipped',
  manual: 'manual',
  created: 'created',
};

/**
 * The kind of a status, by which it is coloured and drawn.
 * @param {string} status
 * @param {string} [detailed] GitLab's detailed status, which tells of warnings
 */
export function lookOf(status, detailed = '') {
  if (status === 'success' && detailed.includes('warning')) return 'warning';
  return looks[status] ?? 'pending';
}

/**
 * A status in a word or two: "Passed", "Waiting for resource".
 * @param {string} status
 * @param {string} [detailed]
 */
export function wordOf(status, detailed = '') {
  if (status === 'success') return detailed.includes('warning') ? 'Passed with warnings' : 'Passed';
  const words = status.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Statuses of a pipeline or job that will not change by itself any more. */
const ended = new Set(['success', 'failed', 'canceled', 'skipped']);

/** @param {string} status */
export const hasEnded = (status) => ended.has(status);
