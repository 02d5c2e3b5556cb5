import { describe, expect, it } from 'vitest'
import {
  configFromOptions,
  flagOf,
  loadConfig,
  optionOf,
  SETTING_NAMES,
  SETTINGS,
  textOfValue,
  variableOf,
} from '../../src/core/config.ts'

/** What `loadConfig` refuses, as lines. */
function problemsOf(...given: Parameters<typeof loadConfig>): string[] {
  try {
    loadConfig(...given)
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_config' })
    return (error as Error).message.split('\n').slice(1)
  }
  return []
}

describe('loadConfig', () => {
  it('is the table of defaults in an empty environment', () => {
    expect(loadConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      databaseUrl: 'pglite:./.fanfold/data',
      apiKey: undefined,
    })
  })

  it('prefers a flag over the variable, and the variable over the default', () => {
    const env = { FANFOLD_PORT: '9000', FANFOLD_POOL_SIZE: '5' }
    expect(loadConfig(env, { port: '9001' })).toMatchObject({ port: 9001, poolSize: 5, logLevel: 'info' })
  })

  it('takes an empty variable for one that is not set', () => {
    expect(loadConfig({ FANFOLD_PORT: '' }).port).toBe(8080)
  })

  it('reports every problem at once, by the name under which it was given', () => {
    const env = {
      FANFOLD_PORT: '99999',
      FANFOLD_LOG_LEVEL: 'loud',
      FANFOLD_DATABASE: 'x',
      FANFOLD_STORE_TIME_ZONE: 'Mars',
    }
    expect(problemsOf(env, { 'pool-size': 'many' })).toEqual([
      '  - FANFOLD_PORT "99999" must be a whole number from 0 to 65535',
      '  - FANFOLD_LOG_LEVEL "loud" must be one of fatal, error, warn, info, debug, trace, silent',
      '  - --pool-size "many" must be a whole number from 1 to 500',
      '  - FANFOLD_STORE_TIME_ZONE "Mars" must be an IANA time zone such as Europe/Berlin',
      '  - FANFOLD_DATABASE is not a setting',
    ])
  })

  it.each(['abc', '-1', '1.5', ' ', '0x50', '1e3', '65536'])('refuses the port "%s"', (port) => {
    expect(problemsOf({ FANFOLD_PORT: port })).toHaveLength(1)
  })

  it('never repeats a secret', () => {
    const [problem] = problemsOf({ FANFOLD_API_KEY: 'short-secret' })
    expect(problem).toBe('  - FANFOLD_API_KEY must have at least 16 characters')
  })

  it('never repeats the password of a URL that it can not read', () => {
    const [problem] = problemsOf({ FANFOLD_DATABASE_URL: '//user:hunter2@host/database' })
    expect(problem).toContain('FANFOLD_DATABASE_URL')
    expect(problem).not.toContain('hunter2')
  })

  it('takes the scheme of a URL in any case, as URLs do', () => {
    expect(problemsOf({ FANFOLD_DATABASE_URL: 'Postgres://host/database' })).toEqual([])
  })

  it('lets variables through that steer tests and benchmarks, and those of other programs', () => {
    expect(
      problemsOf({ FANFOLD_TEST_POSTGRES_URL: 'x', FANFOLD_REQUIRE_ENGINES: 'all', FANFOLDER: 'y', PORT: 'z' }),
    ).toEqual([])
  })
})

describe('configFromOptions', () => {
  it('puts options over the defaults and reads no environment', () => {
    process.env['FANFOLD_PORT'] = '1'
    try {
      const config = configFromOptions({ database: 'pglite:memory', poolSize: undefined })
      expect(config).toMatchObject({ databaseUrl: 'pglite:memory', port: 8080, poolSize: 10 })
    } finally {
      delete process.env['FANFOLD_PORT']
    }
  })

  it('refuses a wrong option like a wrong variable, by its name as an option', () => {
    expect(() => configFromOptions({ port: -1, queue: 'nowhere' })).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        message: expect.stringMatching(/port "-1" must be[\s\S]*queue "nowhere" must be a URL/),
      }),
    )
  })
})

describe('the names of a setting', () => {
  it('are spelled in three ways', () => {
    expect([variableOf('databaseUrl'), flagOf('databaseUrl'), optionOf('databaseUrl')]).toEqual([
      'FANFOLD_DATABASE_URL',
      'database-url',
      'database',
    ])
  })

  it.each(SETTING_NAMES)('%s has a default that it would accept, and says what it is', (name) => {
    const { fallback, parse, about } = SETTINGS[name]
    if (fallback !== undefined) expect(parse(textOfValue(fallback)!)).toEqual(fallback)
    expect(about).toMatch(/^[A-Z]/)
  })
})
