// The families of generalised linear models with a log link, as the power of the mean that their variance
// follows (Tweedie: An index which distinguishes between some important exponential families; 1984): 1 is
// Poisson, 2 Gamma, between them sums of a Poisson number of Gamma amounts.
#pragma once

namespace cairn::glm {

// A row's loss as a function of eta = log(mean): half the unit deviance but for terms of y alone.
struct Term {
  double value, slope, curvature;
};
Term log_link_term(double power, double y, double eta);
// The unit deviance, 0 at mu = y (Jorgensen: The theory of dispersion models; 1997, section 4.1).
double unit_deviance(double power, double y, double mu);

}  // namespace cairn::glm
