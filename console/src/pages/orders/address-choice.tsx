import { useQuery } from '@tanstack/react-query'
import type { AddressInput } from 'fanfold/client'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { PAGE_ROWS } from '../../data/use-list.ts'
import { Field } from '../../ui/field.tsx'
import { filled } from './order-command.ts'

const FIELDS = [
  ['name', 'Name', false],
  ['line1', 'Street and number', true],
  ['line2', 'Second line', false],
  ['postal_code', 'Postal code', false],
  ['city', 'City', true],
  ['region', 'State or region', false],
  ['country', 'Country', true],
] as const
type Texts = Readonly<Record<(typeof FIELDS)[number][0], string>>

export interface AddressDraft {
  /** One of the addresses of the customer; else the texts hold. */
  readonly addressId: string
  readonly texts: Texts
}

export function startAddress(texts: { readonly [name in keyof Texts]?: string | undefined } = {}): AddressDraft {
  return { addressId: '', texts: Object.fromEntries(FIELDS.map(([name]) => [name, texts[name] ?? ''])) as Texts }
}

export const addressBody = ({ addressId, texts }: AddressDraft) =>
  addressId === '' ? { shipping_address: filled(texts) as AddressInput } : { shipping_address_id: addressId }

interface AddressChoiceProps {
  /** Whose addresses are offered; none for a guest. */
  readonly customerId: string | undefined
  readonly value: AddressDraft
  onChange(value: AddressDraft): void
  readonly error: unknown
}

/** One of the addresses of a customer, or another one. */
export function AddressChoice({ customerId, value, onChange, error }: AddressChoiceProps) {
  const { client } = useSession()
  const known = useQuery({
    queryKey: ['customers', customerId, 'addresses'],
    queryFn: ({ signal }) => {
      const params = { path: { customer_id: customerId! }, query: { limit: PAGE_ROWS } }
      return client.get('/v1/customers/{customer_id}/addresses', { params, signal })
    },
    enabled: customerId !== undefined && customerId !== '',
  })
  const addresses = known.data?.items.filter(({ line1 }) => line1 !== undefined) ?? []
  return (
    <>
      {addresses.length === 0 ? null : (
        <Field label="Address" error={fieldError(error, '/shipping_address_id')}>
          <select value={value.addressId} onChange={(event) => onChange({ ...value, addressId: event.target.value })}>
            <option value="">Another one, as below</option>
            {addresses.map(({ address_id: id, name, line1, city, country }) => (
              <option key={id} value={id}>
                {[name, line1, city, country].filter((part) => part !== undefined).join(', ')}
              </option>
            ))}
          </select>
        </Field>
      )}
      {value.addressId !== '' ? null : (
        <fieldset className="address-fields">
          <legend className="field-label">Where it goes</legend>
          {FIELDS.map(([name, label, isRequired]) => (
            <Field key={name} label={label} error={fieldError(error, `/shipping_address/${name}`)}>
              <input
                required={isRequired}
                autoComplete="off"
                value={value.texts[name]}
                onChange={(event) => onChange({ ...value, texts: { ...value.texts, [name]: event.target.value } })}
              />
            </Field>
          ))}
        </fieldset>
      )}
    </>
  )
}
