/**
 * What the figures of the sales report mean. Raise it when the meaning changes: the report is then built anew beside the
 * one that is read. Every answer names it.
 *
 * 2: a sale counts from when its order is paid, net of tax, with shipping as a line of its own (category `Shipping`);
 * what is cancelled, returned or edited away is taken back on the day it happens; a move takes from one city and gives to
 * another. `orders` are those that have units left.
 */
export const SALES_REPORT_VERSION = 2
