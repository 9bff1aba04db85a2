/** What we read of a Caddyfile is what Caddy reads of it: `caddy adapt` makes the same routes, in the same order. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { compareWithCaddy } from '../../src/import/caddy/compare-with-caddy.ts'
import { readCaddyfile } from '../../src/import/caddy/read-caddyfile.ts'
import { gatehouse } from '../cli/gatehouse-command.ts'
import { part } from '../parts.ts'

const environment = { PORT: '8080', SITE: '/srv/site', ONE: '9001', TWO: '9002', WEB_ROOT: '/srv/web' }
const golden = join(import.meta.dirname, '../import/caddyfiles')

/** Those that Debian's Caddy knows all directives of. */
const files: readonly string[] = [
  join(golden, 'single-page-app.caddyfile'),
  join(golden, 'order-of-directives.caddyfile'),
  join(import.meta.dirname, '../fixtures/import/compared.caddyfile'),
]

const texts: Readonly<Record<string, string>> = {
  'handles of all kinds': `:80 {
	handle {
		reverse_proxy a:1
	}
	@two path /b/* /c/*
	handle @two {
		reverse_proxy a:2
	}
	handle /b* {
		reverse_proxy a:3
	}
	handle /c {
		reverse_proxy a:4
	}
	handle_path /long/er/* {
		reverse_proxy a:5
	}
	handle /long/* {
		reverse_proxy a:6
	}
	@header header X-A b
	handle @header {
		reverse_proxy a:7
	}
}`,
  'the order of everything': `:80 {
	file_server /files/*
	reverse_proxy /api/* a:1
	respond /gone 410
	request_header X-In y
	encode gzip
	basicauth /ops/* {
		ann JDJhJDE0JHBURm1VRWc1SEMxa0RzMVJsYkthSWVTVjJZNHo2Z0tuTmZjYm5aQm5ZR21tbVNkamhuRmRD
	}
	rewrite /x /y
	rewrite /x/longer /z
	redir /from /to
	redir /from/further /to/further
	request_body /up/* {
		max_size 5MB
	}
	header /a/* X-A 1
	header X-All 2
	root /files/* /srv/files
	root * /srv
	handle /deep/* {
		respond /deep/none 404
		reverse_proxy a:2
		header X-Deep 3
	}
	reverse_proxy a:3
}`,
  'written order in a route': `:80 {
	route {
		reverse_proxy /a/* a:1
		header X-After 1
		rewrite /b /c
		reverse_proxy /c a:2
		reverse_proxy a:3
	}
}`,
  'sites by their hosts': `http://*.example.com {
	reverse_proxy a:1
}
http://longer.example.com, http://x.org {
	reverse_proxy a:2
}
http://a.example.com {
	reverse_proxy a:3
}
http:// {
	reverse_proxy a:4
}
:81 {
	reverse_proxy a:5
}`,
  'what is not': `:80 {
	@a {
		not path /a/*
		method GET
	}
	header @a X-Not a
	@b not header X-B *
	redir @b /b
	reverse_proxy a:1
}`,
  proxies: `:80 {
	reverse_proxy a:1 a:2 {
		lb_policy first
		health_uri /health
		health_interval 10s
		header_up +X-More 1
		header_up -X-Less
		header_down X-Down 2
		transport http {
			dial_timeout 2s
			response_header_timeout 1m
			tls
			tls_server_name inside.example
		}
	}
}`,
}

describe.skipIf(!part('caddy'))('caddy adapt', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-judged-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  function adapt(text: string): string {
    const file = join(folder, 'Caddyfile')
    writeFileSync(file, text)
    const words = ['adapt', '--config', file, '--adapter', 'caddyfile', '--pretty']
    const env = { PATH: process.env.PATH, HOME: folder, ...environment }
    return execFileSync(part('caddy') ?? '', words, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  function judged(text: string, adapted = adapt(text)) {
    const reading = readCaddyfile({ file: 'Caddyfile', text, readFile: () => undefined, glob: () => [], environment })
    return compareWithCaddy('Caddyfile', reading, adapted, environment)
  }

  it.each(files)('%s', (file) => expect(judged(readFileSync(file, 'utf8'))).toEqual([]))

  it.each(Object.entries(texts))('%s', (_, text) => expect(judged(text)).toEqual([]))

  it('the verb asks it, and says so where it does not take the file', async () => {
    const file = join(folder, 'plugin.caddyfile')
    writeFileSync(file, ':80 {\n\tnonsense\n\treverse_proxy localhost:1\n}\n')
    const { code, out, err } = await gatehouse('import', file)
    expect(err).toMatch(/plugin\.caddyfile:1:1: note: the Caddy of this machine does not take this file.*nonsense/)
    expect(err).toMatch(/plugin\.caddyfile:2:2: untranslated: `nonsense`/)
    expect({ code, routes: out.includes('to: http://localhost:1') }).toEqual({ code: 0, routes: true })
  })

  it.each(['correct-horse-battery', 'hunter2'])('prints no value of a variable: %s', async (secret) => {
    const file = join(folder, 'secret.caddyfile')
    writeFileSync(file, ':80 {\n\t{$TOKEN_OF_A_TEST}\n\treverse_proxy localhost:1\n}\n')
    process.env.TOKEN_OF_A_TEST = secret
    const { err } = await gatehouse('import', file).finally(() => delete process.env.TOKEN_OF_A_TEST)
    expect(err).toMatch(/does not take this file.*\{\$TOKEN_OF_A_TEST\}/)
    expect(err).not.toContain(secret)
  })

  it('reports where it reads a file differently', () => {
    const other = ':80 {\n\treverse_proxy /api/* localhost:2\n\treverse_proxy localhost:1\n}'
    expect(judged(':80 {\n\treverse_proxy localhost:1\n}', adapt(other))).toEqual([
      expect.objectContaining({ severity: 'changed', message: expect.stringMatching(/from route 1 on: .*api/) }),
    ])
  })
})
