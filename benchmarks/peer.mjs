// The peer: `oidc-provider` with its data in Redis, told by one line of JSON on standard input what it serves.
//
//   {"library": "/…/oidc-provider/lib/index.js", "redis": {"port": 1, "password": "…"}, "clients": [RFC 7591 metadata],
//    "password": "…", "claims": {…}}
//
// It listens on a free port of loopback, writes {"issuer": "…"} as one line, and ends with its standard input.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

const lines = createInterface({ input: process.stdin })
const orders = JSON.parse((await lines[Symbol.asyncIterator]().next()).value)
lines.on('close', () => process.exit(0))
const { Provider } = await import(pathToFileURL(orders.library))

// Redis: the two forms of answer that the commands below have, over one connection; what is asked in one turn leaves in
// one packet, as with the usual client libraries.
class Redis {
  #waiting = []
  #rest = Buffer.alloc(0)
  #out = []

  constructor({ port, password }) {
    this.socket = createConnection(port, '127.0.0.1').setNoDelay()
    this.socket.on('data', (data) => this.#read(data))
    this.ready = this.send('AUTH', password)
  }

  send(...words) {
    const packed = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`).join('')
    if (this.#out.length === 0) process.nextTick(() => this.#flush())
    this.#out.push(`*${words.length}\r\n${packed}`)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  #flush() {
    this.socket.write(this.#out.join(''))
    this.#out = []
  }

  #read(data) {
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, data]) : data
    let at = 0
    for (let found; (found = this.#value(at)); at = found.next) {
      const { resolve, reject } = this.#waiting.shift()
      if (found.value instanceof Error) reject(found.value)
      else resolve(found.value)
    }
    this.#rest = this.#rest.subarray(at)
  }

  #value(at) {
    const end = this.#rest.indexOf('\r\n', at)
    if (end < 0) return null
    const [kind, head, next] = [this.#rest[at], this.#rest.toString('utf8', at + 1, end), end + 2]
    if (kind === 0x2b) return { value: head, next }
    if (kind === 0x2d) return { value: new Error(head), next }
    if (kind === 0x3a) return { value: Number(head), next }
    return kind === 0x2a ? this.#list(Number(head), next) : this.#bulk(Number(head), next)
  }

  #bulk(length, next) {
    if (length < 0) return { value: null, next }
    if (this.#rest.length < next + length + 2) return null
    return { value: this.#rest.toString('utf8', next, next + length), next: next + length + 2 }
  }

  #list(count, next) {
    const value = []
    for (let left = count; left > 0; left -= 1) {
      const item = this.#value(next)
      if (!item) return null
      value.push(item.value)
      next = item.next
    }
    return { value, next }
  }
}

const redis = new Redis(orders.redis)
await redis.ready
const OF_A_GRANT = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken'])

// The library's contract for storage: what may be used once is a hash whose use is marked in it.
class Stored {
  constructor(model) {
    this.model = model
  }

  #key(id) {
    return `${this.model}:${id}`
  }

  async upsert(id, payload, expiresIn) {
    const key = this.#key(id)
    const sent = [redis.send('HSET', key, 'payload', JSON.stringify(payload))]
    if (expiresIn) sent.push(redis.send('EXPIRE', key, expiresIn))
    if (OF_A_GRANT.has(this.model) && payload.grantId) {
      sent.push(redis.send('RPUSH', `grant:${payload.grantId}`, key))
      if (expiresIn) sent.push(redis.send('EXPIRE', `grant:${payload.grantId}`, expiresIn, 'GT'))
    }
    if (payload.uid) sent.push(redis.send('SET', `uid:${payload.uid}`, id, 'EX', expiresIn))
    await Promise.all(sent)
  }

  async find(id) {
    const [payload, consumed] = await redis.send('HMGET', this.#key(id), 'payload', 'consumed')
    if (payload === null) return undefined
    return consumed === null ? JSON.parse(payload) : { ...JSON.parse(payload), consumed: Number(consumed) }
  }

  async findByUid(uid) {
    const id = await redis.send('GET', `uid:${uid}`)
    return id === null ? undefined : this.find(id)
  }

  async consume(id) {
    await redis.send('HSET', this.#key(id), 'consumed', Math.floor(Date.now() / 1000))
  }

  async destroy(id) {
    await redis.send('DEL', this.#key(id))
  }

  async revokeByGrantId(grantId) {
    const keys = await redis.send('LRANGE', `grant:${grantId}`, 0, -1)
    await redis.send('DEL', `grant:${grantId}`, ...keys)
  }
}

const key = { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig' }
const configuration = {
  adapter: Stored,
  clients: orders.clients,
  jwks: { keys: [key] },
  cookies: { keys: ['nothing here outlives the process'] },
  claims: {
    openid: ['sub'],
    profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale', 'updated_at'],
    email: ['email', 'email_verified'],
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...orders.claims }) }),
  // Members of the hub stay signed in for hours; here too nothing of the run may end before it does.
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, RefreshToken: 2_592_000, Session: 43_200, Grant: 43_200, Interaction: 600 },
  responseTypes: ['code'],
  rotateRefreshToken: true,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
  },
}

const server = createServer((request, response) => answer(request, response))
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://localhost:${server.address().port}`
const provider = new Provider(issuer, configuration)
const protocol = provider.callback()
provider.on('server_error', (_ctx, error) => console.error(error))

async function answer(request, response) {
  if (!request.url.startsWith('/interaction/')) return protocol(request, response)
  try {
    await interact(request, response)
  } catch (error) {
    console.error(error)
    response.writeHead(400, { 'content-type': 'text/plain' })
    response.end('refused')
  }
}

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response)
  const isLogin = details.prompt.name === 'login'
  if (request.method === 'GET') {
    const inputs = isLogin ? '<input name="login"><input name="password" type="password">' : ''
    const id = isLogin ? 'sign-in-form' : 'consent-form'
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    return response.end(`<form id="${id}" method="post" action="/interaction/${details.uid}">${inputs}<button>Go on</button></form>`)
  }
  const sent = new URLSearchParams(await text(request))
  const result = isLogin ? signIn(sent) : await consent(details)
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
}

function signIn(sent) {
  if (sent.get('password') !== orders.password) return { error: 'access_denied' }
  return { login: { accountId: sent.get('login'), amr: ['pwd'] } }
}

async function consent({ grantId, params, prompt, session }) {
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '))
  return { consent: { grantId: await grant.save() } }
}

console.log(JSON.stringify({ issuer }))
