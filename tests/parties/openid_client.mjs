// Relying parties made with openid-client, as its documentation has them: every check it offers is on.

import * as client from 'openid-client';
import { ask, failure, headerOf, privateKey, run, visit } from './conversation.mjs';

async function authentication(party) {
  switch (party.method) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(party.secret);
    case 'client_secret_post':
      return client.ClientSecretPost(party.secret);
    case 'client_secret_jwt':
      return client.ClientSecretJwt(party.secret);
    case 'private_key_jwt':
      return client.PrivateKeyJwt(await privateKey(party.key));
    default:
      return client.None();
  }
}

async function connect(issuer, party) {
  const config = await client.discovery(new URL(issuer), party.id, party.metadata, await authentication(party), {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
  if (party.decryption) {
    const { key, kid } = await privateKey(party.decryption.key);
    const { alg } = party.decryption.key;
    client.enableDecryptingResponses(config, [party.decryption.enc], { key, kid, alg });
  }
  return config;
}

async function begin(orders) {
  const config = await connect(orders.issuer, orders.party);
  if (orders.jarm) client.useJwtResponseMode(config);
  const pair = orders.dpop && (await client.randomDPoPKeyPair(orders.dpop));
  const DPoP = pair && client.getDPoPHandle(config, pair);
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    idTokenExpected: true,
    maxAge: orders.max_age,
  };
  let parameters = new URLSearchParams({
    redirect_uri: orders.redirect_uri,
    scope: orders.scope,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...(orders.max_age !== undefined && { max_age: String(orders.max_age) }),
    ...orders.parameters,
  });
  let url = client.buildAuthorizationUrl(config, parameters);
  if (orders.signed) {
    url = await client.buildAuthorizationUrlWithJAR(config, parameters, await privateKey(orders.party.key));
    parameters = url.searchParams;
  }
  if (orders.pushed) url = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
  return { config, checks, DPoP, url };
}

async function login(orders) {
  const { config, checks, DPoP, url } = await begin(orders);
  const arrived = await visit(url);
  const byPost = arrived instanceof Request;
  const tokens = await client.authorizationCodeGrant(config, arrived, checks, orders.token_parameters, { DPoP });
  const sealed = client.getDecryptedResponses(tokens);
  const facts = {
    asked: url.href,
    answered: byPost ? 'POST' : arrived.href,
    tokens,
    claims: tokens.claims(),
    header: headerOf(sealed?.id_token?.token_endpoint ?? sealed ?? tokens.id_token),
    outer: headerOf(tokens.id_token),
  };
  const held = { config, DPoP, orders, tokens, subject: facts.claims.sub };
  for (const step of orders.then) facts[step] = await steps[step](held);
  return facts;
}

const steps = {
  userinfo: ({ config, DPoP, tokens, subject }) =>
    client.fetchUserInfo(config, tokens.access_token, subject, { DPoP }),
  async refresh(held) {
    const { config, DPoP, orders } = held;
    const renewed = await client.refreshTokenGrant(config, held.tokens.refresh_token, orders.token_parameters, {
      DPoP,
    });
    held.tokens = { ...held.tokens, ...renewed };
    return { tokens: renewed, claims: renewed.claims() };
  },
  async introspect({ orders, tokens }) {
    return client.tokenIntrospection(await connect(orders.issuer, orders.resource_server), tokens.access_token);
  },
  async revoke({ config, tokens }) {
    await client.tokenRevocation(config, tokens.refresh_token);
    return failure(client.refreshTokenGrant(config, tokens.refresh_token));
  },
  userinfo_after: ({ config, DPoP, tokens, subject }) =>
    failure(client.fetchUserInfo(config, tokens.access_token, subject, { DPoP })),
  stolen: ({ config, tokens, subject }) =>
    failure(client.fetchUserInfo(config, tokens.access_token, subject)),
  async exchange(held) {
    const { config, orders } = held;
    const given = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: held.tokens.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...orders.exchange,
    });
    held.tokens = given;
    return given;
  },
  async logout({ config, orders, tokens }) {
    const end = client.buildEndSessionUrl(config, {
      post_logout_redirect_uri: orders.after_logout,
      id_token_hint: tokens.id_token,
      state: 'till-next-time',
    });
    return (await visit(end)).href;
  },
  silent: ({ orders }) => failure(silently(orders)),
};

async function silently(orders) {
  const { config, checks, url } = await begin({ ...orders, parameters: { ...orders.parameters, prompt: 'none' } });
  return client.authorizationCodeGrant(config, await visit(url), checks);
}

/** What the library says when one parameter of the answer is not what it was. */
async function tampered(orders) {
  const { config, checks, url } = await begin(orders);
  const arrived = await visit(url);
  const outcomes = {};
  for (const name of ['state', 'iss']) {
    const other = new URL(arrived);
    other.searchParams.set(name, 'https://other.example');
    outcomes[name] = await failure(client.authorizationCodeGrant(config, other, checks));
    other.searchParams.delete(name);
    outcomes[`no ${name}`] = await failure(client.authorizationCodeGrant(config, other, checks));
  }
  const guess = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
  outcomes.verifier = await failure(client.authorizationCodeGrant(config, arrived, guess));
  return outcomes;
}

async function replayed(orders) {
  const { config, checks, url } = await begin(orders);
  const arrived = await visit(url);
  const tokens = await client.authorizationCodeGrant(config, arrived, checks);
  return {
    second: await failure(client.authorizationCodeGrant(config, arrived, checks)),
    userinfo: await failure(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)),
  };
}

async function refused(orders) {
  const { config, checks, url } = await begin(orders);
  return failure(client.authorizationCodeGrant(config, await visit(url), checks));
}

async function device(orders) {
  const config = await connect(orders.issuer, orders.party);
  const started = await client.initiateDeviceAuthorization(config, { scope: orders.scope });
  await ask('approve', started);
  const tokens = await client.pollDeviceAuthorizationGrant(config, started);
  return {
    started,
    tokens,
    claims: tokens.claims(),
    userinfo: await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub),
  };
}

async function machine(orders) {
  const config = await connect(orders.issuer, orders.party);
  const pair = orders.dpop && (await client.randomDPoPKeyPair(orders.dpop));
  const DPoP = pair && client.getDPoPHandle(config, pair);
  const tokens = await client.clientCredentialsGrant(config, orders.token_parameters, { DPoP });
  const facts = { tokens };
  for (const step of orders.then) facts[step] = await steps[step]({ config, DPoP, orders, tokens });
  return facts;
}

async function register(orders) {
  const config = await client.dynamicClientRegistration(
    new URL(orders.issuer),
    orders.metadata,
    client.ClientSecretBasic(),
    { initialAccessToken: orders.initial_access_token, execute: [client.allowInsecureRequests] },
  );
  const metadata = config.clientMetadata();
  const { client_id: id, client_secret: secret, token_endpoint_auth_method: method } = metadata;
  const { id_token_signed_response_alg } = metadata;
  const party = { id, secret, method, metadata: { id_token_signed_response_alg } };
  return { metadata, ...(await login({ ...orders, party })) };
}

await run({ login, silent: refused, refused, tampered, replayed, device, machine, register });
