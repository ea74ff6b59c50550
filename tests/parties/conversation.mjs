// How a program speaks with the test that started it: one JSON value a line, each way.

import { createInterface } from 'node:readline';
import { importJWK } from 'jose';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function heard() {
  const { value, done } = await lines.next();
  if (done) throw new Error('the test ended the conversation');
  return JSON.parse(value);
}

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Has the test's browser open this address; what it brings back, as a web framework would hand it over. */
export async function visit(url) {
  say({ visit: String(url) });
  const { method, url: arrived, body } = await heard();
  if (method !== 'POST') return new URL(arrived);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return new Request(arrived, { method, body, headers });
}

/** Has the test do something that has a name, and waits for its answer. */
export async function ask(name, facts) {
  say({ ask: name, facts });
  return heard();
}

export async function privateKey(jwk) {
  return { key: await importJWK(jwk, jwk.alg), kid: jwk.kid };
}

export function headerOf(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url').toString());
}

/** What an error says of itself, with the cause that a library wraps. */
function told(error) {
  if (!error) return null;
  const { name, message, code, error: protocol, error_description: description, status } = error;
  const cause = error.cause instanceof Error ? told(error.cause) : null;
  return { name, message, code, error: protocol, description, status, cause };
}

/** The outcome of what is expected to fail: the failure, or `null` where it succeeded. */
export async function failure(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return told(error);
  }
}

export async function run(scenarios) {
  try {
    const orders = await heard();
    say({ done: await scenarios[orders.scenario](orders) });
  } catch (error) {
    say({ failed: { ...told(error), stack: error.stack } });
  }
  process.exit(0);
}
