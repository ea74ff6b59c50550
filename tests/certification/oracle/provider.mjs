// The oracle: a certified provider with plain sign-in and consent pages, told by JSON on standard input what it serves.
//
//   {"clients": [RFC 7591 metadata, …], "login": "…", "password": "…", "claims": {…}, "fapi": ["client_id", …],
//    "tls": {"cert": PEM, "key": PEM} or null}
//
// It listens on a free port of loopback, writes {"issuer": "…"} as one line, and ends with its standard input.
import { X509Certificate, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { text } from 'node:stream/consumers'
import { createInterface } from 'node:readline'

import { Provider, interactionPolicy } from 'oidc-provider'

const lines = createInterface({ input: process.stdin })
const orders = JSON.parse((await lines[Symbol.asyncIterator]().next()).value)
lines.on('close', () => process.exit(0))

const KEYS = [
  ['rsa', { modulusLength: 2048 }],
  ['ec', { namedCurve: 'P-256' }],
  ['ed25519', {}],
]
const keys = KEYS.map(([type, options]) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  use: 'sig',
}))

const escaped = (value) => String(value).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
const page = (title, body) =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>` +
  `<body><h1>${escaped(title)}</h1>${body}</body></html>`

// OpenID Connect Core §3.1.2.1: consent is asked for offline_access and where the client asks for it, and once at first.
const policy = interactionPolicy.base()

// The provider's own keeps a thousand things and forgets the oldest: fewer than the rows make before the last ones look.
const kept = new Map()
class Memory {
  constructor(kind) {
    this.kind = kind
  }

  async upsert(id, payload, seconds) {
    kept.set(`${this.kind}:${id}`, { ...payload, until: seconds ? Date.now() + seconds * 1000 : Infinity })
  }

  async find(id) {
    const found = kept.get(`${this.kind}:${id}`)
    return found && found.until > Date.now() ? found : undefined
  }

  async findByUid(uid) {
    return this.first((payload) => payload.uid === uid)
  }

  async findByUserCode(userCode) {
    return this.first((payload) => payload.userCode === userCode)
  }

  first(fits) {
    for (const [key, payload] of kept) if (key.startsWith(`${this.kind}:`) && fits(payload)) return payload
    return undefined
  }

  async consume(id) {
    kept.get(`${this.kind}:${id}`).consumed = Math.floor(Date.now() / 1000)
  }

  async destroy(id) {
    kept.delete(`${this.kind}:${id}`)
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of kept) if (key.startsWith(`${this.kind}:`) && payload.grantId === grantId) kept.delete(key)
  }
}

const configuration = {
  adapter: Memory,
  clients: orders.clients,
  jwks: { keys },
  cookies: { keys: ['nothing here outlives the process'] },
  acrValues: ['1', '2'],
  claims: {
    openid: ['sub'],
    profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale', 'updated_at'],
    email: ['email', 'email_verified'],
    phone: ['phone_number', 'phone_number_verified'],
    address: ['address'],
    acr: null,
    auth_time: null,
    iss: null,
    sid: null,
  },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'self_signed_tls_client_auth'],
  scopes: ['openid', 'offline_access'],
  // What FAPI 2.0 SP §5.4.1 forbids is left to each client's registered algorithm.
  enabledJWA: {
    clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'Ed25519'],
    requestObjectSigningAlgValues: ['RS256', 'PS256', 'ES256', 'Ed25519'],
    idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'Ed25519'],
    authorizationSigningAlgValues: ['RS256', 'PS256', 'ES256', 'Ed25519'],
    dPoPSigningAlgValues: ['PS256', 'ES256', 'Ed25519'],
  },
  discovery: { claims_locales_supported: ['en'], display_values_supported: ['page'], ui_locales_supported: ['en'] },
  interactions: { policy, url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  // The tools listen on loopback, which the guard around outgoing requests refuses.
  fetch: (url, { dispatcher: _guard, ...options }) => fetch(url, options),
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...orders.claims }) }),
  issueRefreshToken: (_ctx, client, source) =>
    client.grantTypeAllowed('refresh_token') && source.scopes.has('offline_access'),
  rotateRefreshToken: (ctx) => !orders.fapi.includes(ctx.oidc.client.clientId),
  responseTypes: ['code'],
  // FAPI 2.0 SP §5.3.2.2 wants a minute; elsewhere a used code is remembered until the rows that wait are over.
  ttl: { AuthorizationCode: (_ctx, _code, client) => (orders.fapi.includes(client.clientId) ? 60 : 600) },
  renderError: (ctx, out) => {
    ctx.type = 'html'
    ctx.body = page('Error', `<section id="error-page"><p>${escaped(JSON.stringify(out))}</p></section>`)
  },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    claimsParameter: { enabled: true },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    fapi: {
      enabled: true,
      profile: (_ctx, client) => (client && orders.fapi.includes(client.clientId) ? '2.0' : undefined),
    },
    introspection: { enabled: true },
    // The certificate is told by a header, as by a front proxy.
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      getCertificate: (ctx) => {
        const told = ctx.get('x-client-certificate')
        return told ? new X509Certificate(decodeURIComponent(told)) : undefined
      },
    },
    jwtResponseModes: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    requestObjects: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        const button = '<button id="logout-confirm" type="submit" form="op.logoutForm" name="logout" value="yes">Yes</button>'
        ctx.body = page('Sign out?', form + button)
      },
      postLogoutSuccessSource: (ctx) => {
        ctx.body = page('Signed out', '<section id="logged-out"></section>')
      },
    },
  },
}

const listener = (request, response) => answer(request, response)
const server = orders.tls ? createTlsServer(orders.tls, listener) : createServer(listener)
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `${orders.tls ? 'https' : 'http'}://localhost:${server.address().port}`
const provider = new Provider(issuer, configuration)
const protocol = provider.callback()
provider.on('server_error', (_ctx, error) => console.error(error))
provider.on('backchannel.error', (_ctx, error) => console.error(error))

async function answer(request, response) {
  const { pathname } = new URL(request.url, issuer)
  if (!pathname.startsWith('/interaction/')) return protocol(request, response)
  try {
    await interact(request, response)
  } catch (error) {
    console.error(error)
    response.writeHead(400, { 'content-type': 'text/html; charset=utf-8' })
    response.end(page('Error', '<section id="error-page"></section>'))
  }
}

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response)
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    return response.end(form(details))
  }
  const sent = new URLSearchParams(await text(request))
  const result = details.prompt.name === 'login' ? signIn(sent) : await consent(details, sent)
  if (result) return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
  response.writeHead(303, { location: `/interaction/${details.uid}` })
  return response.end()
}

function form({ prompt, uid }) {
  const action = `/interaction/${uid}`
  if (prompt.name === 'login') {
    return page(
      'Sign in',
      `<form id="sign-in-form" method="post" action="${action}">` +
        '<input name="login"><input name="password" type="password"><button type="submit">Sign in</button></form>',
    )
  }
  return page(
    'Consent',
    `<form id="consent-form" method="post" action="${action}">` +
      '<button id="consent-accept" type="submit" name="answer" value="accept">Go on</button>' +
      '<button id="consent-refuse" type="submit" name="answer" value="refuse">Refuse</button></form>',
  )
}

function signIn(sent) {
  if (sent.get('login') !== orders.login || sent.get('password') !== orders.password) return null
  return { login: { accountId: sent.get('login'), acr: '1', amr: ['pwd'] } }
}

async function consent({ grantId, params, prompt, session }, sent) {
  if (sent.get('answer') !== 'accept') return { error: 'access_denied', error_description: 'the member refused' }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  const { missingOIDCScope, missingOIDCClaims } = prompt.details
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '))
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims)
  return { consent: { grantId: await grant.save() } }
}

console.log(JSON.stringify({ issuer }))
