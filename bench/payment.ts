/** The payment that every contender stores. */
export const PAYMENT = {
  amount: 4_200,
  currency: 'USD',
  customer_id: 'customer_1',
  payment_method: { token: 'tok_ok', brand: 'visa', last4: '4242' },
  capture_method: 'manual',
} as const
