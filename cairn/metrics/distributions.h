// Tail probabilities of the distributions that tests lean on, and their quantiles. Relative accuracy
// about 1e-12 with hundreds of degrees of freedom, 1e-9 with a million.
#pragma once

namespace cairn {

// P(X > x) of the standard normal, Student's t, chi-squared and F. Degrees of freedom above 0, else NaN.
double normal_tail(double x);
double student_tail(double t, double df);
double chi_squared_tail(double x, double df);
double f_tail(double x, double df1, double df2);
// P(|X| >= |x|).
double normal_two_sided(double x);
double student_two_sided(double t, double df);

// The value that X stays below with probability p in (0, 1).
double normal_quantile(double p);
double student_quantile(double p, double df);

// Regularised incomplete beta I_x(a, b) and upper incomplete gamma Q(a, x) (DLMF 8.17, 8.2), by continued
// fractions (8.17.22, 8.9.2) and the series 8.7.1.
double incomplete_beta(double x, double a, double b);
double incomplete_gamma_upper(double a, double x);

}  // namespace cairn
