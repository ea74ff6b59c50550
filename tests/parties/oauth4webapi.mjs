// The same relying parties made with oauth4webapi, one call for each message.

import { compactDecrypt } from 'jose';
import * as oauth from 'oauth4webapi';
import { ask, failure, headerOf, privateKey, run, visit } from './conversation.mjs';

const plain = { [oauth.allowInsecureRequests]: true };

async function authentication(party) {
  switch (party.method) {
    case 'client_secret_basic':
      return oauth.ClientSecretBasic(party.secret);
    case 'client_secret_post':
      return oauth.ClientSecretPost(party.secret);
    case 'client_secret_jwt':
      return oauth.ClientSecretJwt(party.secret);
    case 'private_key_jwt':
      return oauth.PrivateKeyJwt(await privateKey(party.key));
    default:
      return oauth.None();
  }
}

async function connect(issuer, party) {
  const where = new URL(issuer);
  const found = await oauth.discoveryRequest(where, { algorithm: 'oidc', ...plain });
  const as = await oauth.processDiscoveryResponse(where, found);
  const client = { client_id: party.id, ...party.metadata };
  const seen = {};
  const decryption = party.decryption && (await privateKey(party.decryption.key));
  const options = decryption && {
    [oauth.jweDecrypt]: async (jwe) => {
      seen.outer = headerOf(jwe);
      const { plaintext } = await compactDecrypt(jwe, decryption.key, {
        keyManagementAlgorithms: [party.decryption.key.alg],
        contentEncryptionAlgorithms: [party.decryption.enc],
      });
      return (seen.inner = new TextDecoder().decode(plaintext));
    },
  };
  return { as, client, auth: await authentication(party), options, seen };
}

/** Sends a request, and once more where the answer was only that the proof lacked the server's nonce. */
async function answered(send, read) {
  try {
    return await read(await send());
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return read(await send());
  }
}

async function proofs(hub, algorithm) {
  return algorithm && oauth.DPoP(hub.client, await oauth.generateKeyPair(algorithm));
}

async function begin(orders) {
  const hub = await connect(orders.issuer, orders.party);
  const DPoP = await proofs(hub, orders.dpop);
  const checks = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
  let parameters = new URLSearchParams({
    client_id: orders.party.id,
    redirect_uri: orders.redirect_uri,
    response_type: 'code',
    scope: orders.scope,
    state: checks.state,
    nonce: checks.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(checks.verifier),
    code_challenge_method: 'S256',
    ...(orders.max_age !== undefined && { max_age: String(orders.max_age) }),
    ...(orders.jarm && { response_mode: 'jwt' }),
    ...orders.parameters,
  });
  if (orders.signed) {
    const request = await oauth.issueRequestObject(
      hub.as, hub.client, parameters, await privateKey(orders.party.key),
    );
    parameters = new URLSearchParams({ client_id: orders.party.id, request });
  }
  if (orders.pushed) {
    const pushed = await answered(
      () => oauth.pushedAuthorizationRequest(hub.as, hub.client, hub.auth, parameters, { DPoP, ...plain }),
      (response) => oauth.processPushedAuthorizationResponse(hub.as, hub.client, response),
    );
    parameters = new URLSearchParams({ client_id: orders.party.id, request_uri: pushed.request_uri });
  }
  const url = new URL(hub.as.authorization_endpoint);
  url.search = parameters;
  return { hub, checks, DPoP, url };
}

async function answerOf(orders, { as, client }, arrived, state) {
  const given =
    arrived instanceof Request ? new URLSearchParams(await arrived.clone().text()) : new URL(arrived).searchParams;
  return orders.jarm
    ? oauth.validateJwtAuthResponse(as, client, given, state, plain)
    : oauth.validateAuthResponse(as, client, given, state);
}

async function redeem(orders, { hub, checks, DPoP }, arrived, verifier = checks.verifier) {
  const { as, client, auth, options } = hub;
  const answer = await answerOf(orders, hub, arrived, checks.state);
  const more = { DPoP, additionalParameters: orders.token_parameters, ...plain };
  return answered(
    () => oauth.authorizationCodeGrantRequest(as, client, auth, answer, orders.redirect_uri, verifier, more),
    async (response) => {
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
        expectedNonce: checks.nonce,
        maxAge: orders.max_age,
        requireIdToken: true,
        ...options,
      });
      await oauth.validateApplicationLevelSignature(as, response, plain);
      return tokens;
    },
  );
}

async function login(orders) {
  const begun = await begin(orders);
  const { hub, DPoP, url } = begun;
  const arrived = await visit(url);
  const tokens = await redeem(orders, begun, arrived);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const facts = {
    asked: url.href,
    answered: arrived instanceof Request ? 'POST' : arrived.href,
    tokens,
    claims,
    header: headerOf(hub.seen.inner ?? tokens.id_token),
    outer: headerOf(tokens.id_token),
  };
  const held = { hub, DPoP, orders, tokens, subject: claims.sub };
  for (const step of orders.then) facts[step] = await steps[step](held);
  return facts;
}

async function userinfo({ hub, DPoP, tokens, subject }) {
  const { as, client, options } = hub;
  return answered(
    () => oauth.userInfoRequest(as, client, tokens.access_token, { DPoP, ...plain }),
    async (response) => {
      const signed = response.headers.get('content-type')?.includes('jwt');
      const claims = await oauth.processUserInfoResponse(as, client, subject, response, options);
      if (signed) await oauth.validateApplicationLevelSignature(as, response, plain);
      return claims;
    },
  );
}

async function refresh({ hub, DPoP, orders, tokens }) {
  const { as, client, auth, options } = hub;
  const more = { DPoP, additionalParameters: orders.token_parameters, ...plain };
  return answered(
    () => oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, more),
    async (response) => {
      const renewed = await oauth.processRefreshTokenResponse(as, client, response, options);
      if (renewed.id_token) await oauth.validateApplicationLevelSignature(as, response, plain);
      return renewed;
    },
  );
}

const steps = {
  userinfo,
  async refresh(held) {
    const renewed = await refresh(held);
    held.tokens = { ...held.tokens, ...renewed };
    return { tokens: renewed, claims: oauth.getValidatedIdTokenClaims(renewed) };
  },
  async introspect({ orders, tokens }) {
    const { as, client, auth, options } = await connect(orders.issuer, orders.resource_server);
    const response = await oauth.introspectionRequest(as, client, auth, tokens.access_token, {
      requestJwtResponse: Boolean(client.introspection_signed_response_alg),
      ...plain,
    });
    const signed = response.headers.get('content-type')?.includes('jwt');
    const facts = await oauth.processIntrospectionResponse(as, client, response, options);
    if (signed) await oauth.validateApplicationLevelSignature(as, response, plain);
    return facts;
  },
  async revoke(held) {
    const { as, client, auth } = held.hub;
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, client, auth, held.tokens.refresh_token, plain),
    );
    return failure(refresh(held));
  },
  userinfo_after: (held) => failure(userinfo(held)),
  stolen: (held) => failure(userinfo({ ...held, DPoP: undefined })),
  async exchange(held) {
    const { hub, orders } = held;
    const { as, client, auth } = hub;
    const parameters = {
      subject_token: held.tokens.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...orders.exchange,
    };
    const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
    const response = await oauth.genericTokenEndpointRequest(as, client, auth, grant, parameters, plain);
    held.tokens = await oauth.processGenericTokenEndpointResponse(as, client, response);
    return held.tokens;
  },
  /** What a resource server does with the access token: RFC 9068 §4, and RFC 9449 §7 where it is bound. */
  async resource({ hub, DPoP, orders, tokens }) {
    const seen = {};
    await oauth.protectedResourceRequest(
      tokens.access_token, 'GET', new URL('http://resource.example/things'), undefined, undefined,
      {
        DPoP,
        ...plain,
        [oauth.customFetch]: async (url, init) => {
          seen.request = new Request(url, { method: init.method, headers: init.headers });
          return new Response('[]');
        },
      },
    );
    return oauth.validateJwtAccessToken(hub.as, seen.request, orders.audience, {
      requireDPoP: Boolean(DPoP),
      ...plain,
    });
  },
  async logout({ hub, orders, tokens }) {
    const end = new URL(hub.as.end_session_endpoint);
    end.searchParams.set('post_logout_redirect_uri', orders.after_logout);
    end.searchParams.set('id_token_hint', tokens.id_token);
    end.searchParams.set('state', 'till-next-time');
    return (await visit(end)).href;
  },
  silent: ({ orders }) => refused({ ...orders, parameters: { ...orders.parameters, prompt: 'none' } }),
};

async function refused(orders) {
  const begun = await begin(orders);
  return failure(redeem(orders, begun, await visit(begun.url)));
}

/** What the library says when one parameter of the answer is not what it was. */
async function tampered(orders) {
  const begun = await begin(orders);
  const arrived = await visit(begun.url);
  const outcomes = {};
  for (const name of ['state', 'iss']) {
    const other = new URL(arrived);
    other.searchParams.set(name, 'https://other.example');
    outcomes[name] = await failure(redeem(orders, begun, other));
    other.searchParams.delete(name);
    outcomes[`no ${name}`] = await failure(redeem(orders, begun, other));
  }
  outcomes.verifier = await failure(redeem(orders, begun, arrived, oauth.generateRandomCodeVerifier()));
  return outcomes;
}

async function replayed(orders) {
  const begun = await begin(orders);
  const arrived = await visit(begun.url);
  const tokens = await redeem(orders, begun, arrived);
  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  return {
    second: await failure(redeem(orders, begun, arrived)),
    userinfo: await failure(userinfo({ ...begun, tokens, subject: sub })),
  };
}

async function device(orders) {
  const { as, client, auth, options } = await connect(orders.issuer, orders.party);
  const started = await oauth.processDeviceAuthorizationResponse(
    as, client, await oauth.deviceAuthorizationRequest(as, client, auth, { scope: orders.scope }, plain),
  );
  const poll = async () => {
    const response = await oauth.deviceCodeGrantRequest(as, client, auth, started.device_code, plain);
    const tokens = await oauth.processDeviceCodeResponse(as, client, response, options);
    await oauth.validateApplicationLevelSignature(as, response, plain);
    return tokens;
  };
  const early = await failure(poll());
  await ask('approve', started);
  await new Promise((resolve) => setTimeout(resolve, (started.interval ?? 5) * 1000));
  const tokens = await poll();
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  return {
    started,
    early,
    tokens,
    claims,
    userinfo: await userinfo({ hub: { as, client, options }, tokens, subject: claims.sub }),
    again: await failure(poll()),
  };
}

async function machine(orders) {
  const hub = await connect(orders.issuer, orders.party);
  const { as, client, auth } = hub;
  const DPoP = await proofs(hub, orders.dpop);
  const tokens = await answered(
    () => oauth.clientCredentialsGrantRequest(as, client, auth, orders.token_parameters ?? {}, { DPoP, ...plain }),
    (response) => oauth.processClientCredentialsResponse(as, client, response),
  );
  const facts = { tokens };
  for (const step of orders.then) facts[step] = await steps[step]({ hub, DPoP, orders, tokens });
  return facts;
}

async function register(orders) {
  const where = new URL(orders.issuer);
  const as = await oauth.processDiscoveryResponse(where, await oauth.discoveryRequest(where, plain));
  const metadata = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, orders.metadata, {
      initialAccessToken: orders.initial_access_token,
      ...plain,
    }),
  );
  const { client_id: id, client_secret: secret, token_endpoint_auth_method: method } = metadata;
  const { id_token_signed_response_alg } = metadata;
  const party = { id, secret, method, metadata: { id_token_signed_response_alg } };
  return { metadata, ...(await login({ ...orders, party })) };
}

await run({ login, silent: refused, refused, tampered, replayed, device, machine, register });
