import { describe, expect, it } from 'vitest'
import { checkRoutes, namedProcessors } from '../../src/app/parts/processors.ts'
import { configFromOptions, loadConfig } from '../../src/core/config.ts'
import type { Processor } from '../../src/payments/processing/processor.ts'

const rule = { currencies: ['EUR'], methods: ['card'], amount_min: 1, amount_max: 9, processors: ['a', 'b'] }
const withRoutes = (text: string) => () => loadConfig({ FANFOLD_ROUTES: text })

describe('the setting "routes"', () => {
  it('is read from JSON, and given to the library as it is', () => {
    expect(withRoutes(JSON.stringify([rule]))().routes).toEqual([rule])
    expect(configFromOptions({ routes: [rule] }).routes).toEqual([rule])
    expect(loadConfig({}).routes).toEqual([])
  })

  it.each([
    ['{"processors"', /FANFOLD_ROUTES .* must be JSON/],
    ['{}', /FANFOLD_ROUTES .*array/],
    ['[{}]', /FANFOLD_ROUTES .*\/0\/processors is required/],
    ['[{"processors":[]}]', /FANFOLD_ROUTES .*\/0\/processors/],
    ['[{"processors":["a","a"]}]', /FANFOLD_ROUTES .*\/0\/processors/],
    ['[{"processors":["a"],"currency":"EUR"}]', /FANFOLD_ROUTES .*\/0\/currency is not a field/],
    ['[{"processors":["a"],"currencies":["eur"]}]', /FANFOLD_ROUTES .*\/0\/currencies\/0/],
    ['[{"processors":["a"],"amount_min":-1}]', /FANFOLD_ROUTES .*\/0\/amount_min/],
    ['[{"processors":["a"],"amount_min":5,"amount_max":4}]', /amount_max is less than amount_min/],
  ])('refuses %s, and says what is wrong with it', (text, words) => {
    expect(withRoutes(text)).toThrow(words)
  })

  it('may name only processors that there are, each once', () => {
    const named = (name: string) => ({ name }) as Processor
    const processors = namedProcessors([named('a'), named('b')])
    expect(() => checkRoutes([rule], 'a', processors)).not.toThrow()
    expect(() => checkRoutes([{ processors: ['a', 'c'] }], 'd', processors)).toThrow(/name d, c; there are: a, b/)
    expect(() => namedProcessors([named('a'), named('a')])).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        message: expect.stringContaining('Two processors are named a'),
      }),
    )
  })
})
