#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "cairn/linear/glm_family_internal.h"
#include "cairn/linear/inference_internal.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/logistic_regression.h"
#include "cairn/metrics/distributions.h"
#include "cairn/ops/linalg.h"

namespace cairn::inference_detail {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double number_param(const ParamsView& params, const char* name) {
  return std::get<double>(get_param(params, name));
}
std::string text_param(const ParamsView& params, const char* name) {
  return std::get<std::string>(get_param(params, name));
}

double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

double variance_of(const Fitted& f, double mu) {
  return f.is_least_squares ? 1 : f.is_logistic ? mu * (1 - mu) : std::pow(mu, f.power);
}

double unit_deviance_of(const Fitted& f, double y, double mu) {
  if (!f.is_logistic) return glm::unit_deviance(f.power, y, mu);
  return -2 * (y > 0.5 ? std::log(mu) : std::log1p(-mu));
}

// The log-likelihood of rows with these means; NaN for Tweedie, whose density has no closed form.
double log_likelihood(const Fitted& f, double dispersion, const std::vector<double>* means, double mean) {
  double sum = 0;
  for (std::size_t r = 0; r < f.truth.size(); ++r) {
    const double w = f.weight[r], y = f.truth[r], mu = means ? (*means)[r] : mean;
    if (w == 0) continue;
    if (f.is_logistic) {
      sum += w * (y > 0.5 ? std::log(mu) : std::log1p(-mu));
    } else if (f.power == 1) {
      sum += w * ((y > 0 ? y * std::log(mu) : 0) - mu - log_gamma(y + 1));
    } else if (f.power == 2) {
      const double shape = w / dispersion;
      sum += shape * std::log(shape * y / mu) - shape * y / mu - log_gamma(shape) - std::log(y);
    } else {
      return kNaN;
    }
  }
  return sum;
}

void add_criteria(double likelihood, Inference& to) {
  const auto k = static_cast<double>(to.coefficients.size()), n = static_cast<double>(to.rows);
  to.fit.push_back({"log_likelihood", likelihood});
  to.fit.push_back({"aic", -2 * likelihood + 2 * k});
  to.fit.push_back({"bic", -2 * likelihood + k * std::log(n)});
}

void add_generalised(const Fitted& f, Inference& to) {
  double deviance = 0, none = 0, total = 0, mean = 0, pearson = 0;
  for (std::size_t r = 0; r < f.truth.size(); ++r) {
    total += f.weight[r];
    mean += f.weight[r] * f.truth[r];
  }
  mean /= total;
  for (std::size_t r = 0; r < f.truth.size(); ++r) {
    if (f.weight[r] == 0) continue;
    deviance += f.weight[r] * unit_deviance_of(f, f.truth[r], f.mean[r]);
    none += f.weight[r] * unit_deviance_of(f, f.truth[r], mean);
    pearson += f.pearson[r] * f.pearson[r];
  }
  to.fit.push_back({"deviance", deviance});
  to.fit.push_back({"null_deviance", f.intercept ? none : kNaN});
  to.fit.push_back({"explained_deviance", f.intercept ? 1 - deviance / none : kNaN});
  to.fit.push_back({"pearson_chi2", pearson});
  to.fit.push_back({"dispersion", to.dispersion});
  add_criteria(log_likelihood(f, to.dispersion, &f.mean, 0), to);
  if (!f.intercept || to.df_model == 0) return;
  const auto df = static_cast<double>(to.df_model), left = static_cast<double>(to.df_residual);
  constexpr const char* kAsks = "no column matters";
  if (f.dispersion_is_one) {
    const double chi = none - deviance;
    to.tests.push_back({"likelihood ratio", chi, df, kNaN, chi_squared_tail(chi, df), kAsks});
  } else {
    const double ratio = (none - deviance) / df / to.dispersion;
    to.tests.push_back({"F, of the deviance", ratio, df, left, f_tail(ratio, df, left), kAsks});
  }
}

// Jarque, Bera (1980) and Durbin, Watson (1950) on the residuals.
void add_residual_checks(const Fitted& f, Inference& to) {
  std::vector<double> e;
  for (std::size_t r = 0; r < f.pearson.size(); ++r)
    if (f.weight[r] > 0) e.push_back(f.pearson[r]);
  const auto n = static_cast<double>(e.size());
  double mean = 0, m2 = 0, m3 = 0, m4 = 0, squares = 0, steps = 0;
  for (const double v : e) mean += v / n;
  for (std::size_t i = 0; i < e.size(); ++i) {
    const double c = e[i] - mean;
    m2 += c * c / n;
    m3 += c * c * c / n;
    m4 += c * c * c * c / n;
    squares += e[i] * e[i];
    if (i > 0) steps += (e[i] - e[i - 1]) * (e[i] - e[i - 1]);
  }
  if (!(m2 > 0)) return;
  const double skew = m3 / std::pow(m2, 1.5), kurtosis = m4 / (m2 * m2);
  const double jb = n / 6 * (skew * skew + (kurtosis - 3) * (kurtosis - 3) / 4);
  to.fit.push_back({"residual_skew", skew});
  to.fit.push_back({"residual_kurtosis", kurtosis});
  to.fit.push_back({"durbin_watson", steps / squares});
  to.tests.push_back({"Jarque-Bera", jb, 2, kNaN, chi_squared_tail(jb, 2), "the residuals are normal"});
}

void add_least_squares(const Fitted& f, Inference& to) {
  double total = 0, mean = 0, left = 0, all = 0, logs = 0;
  for (std::size_t r = 0; r < f.truth.size(); ++r) {
    total += f.weight[r];
    mean += f.weight[r] * f.truth[r];
    left += f.pearson[r] * f.pearson[r];
    if (f.weight[r] > 0) logs += std::log(f.weight[r]) / 2;
  }
  mean = f.intercept ? mean / total : 0;
  for (std::size_t r = 0; r < f.truth.size(); ++r)
    all += f.weight[r] * (f.truth[r] - mean) * (f.truth[r] - mean);
  const auto n = static_cast<double>(to.rows), df = static_cast<double>(to.df_model),
             rest = static_cast<double>(to.df_residual);
  const double r2 = 1 - left / all;
  to.fit.push_back({"r2", r2});
  to.fit.push_back({"adjusted_r2", 1 - (1 - r2) * (n - (f.intercept ? 1 : 0)) / rest});
  to.fit.push_back({"residual_standard_error", std::sqrt(to.dispersion)});
  add_criteria(-n / 2 * (std::log(left) + 1 + std::log(2 * std::numbers::pi / n)) + logs, to);
  if (df > 0) {
    const double ratio = (all - left) / df / to.dispersion;
    to.tests.push_back({"F", ratio, df, rest, f_tail(ratio, df, rest), "no column matters"});
  }
  add_residual_checks(f, to);
}

}  // namespace

std::string why_wrong(std::string_view learner, const ParamsView& params, const Model& model) {
  constexpr std::string_view kAlwaysPenalised[] = {"ridge", "ridge_cv", "lasso", "elastic_net",
                                                   "elastic_net_cv"};
  if (std::ranges::find(kAlwaysPenalised, learner) != std::end(kAlwaysPenalised))
    return fmt::format(
        "standard errors and p-values are not told: the penalty of {} pulls the weights towards "
        "0, and the usual formulas would be wrong; linear_regression has none",
        learner);
  if (learner == "huber_regression")
    return "standard errors and p-values are not told for huber_regression; linear_regression has them";
  if (learner == "glm" && number_param(params, "alpha") > 0)
    return "standard errors and p-values are not told: the penalty pulls the weights towards 0, and the "
           "usual "
           "formulas would be wrong; alpha=0 has none";
  if (learner != "logistic_regression" && learner != "logistic_regression_cv") return "";
  if (text_param(params, "penalty") != "none")
    return fmt::format(
        "standard errors and p-values are not told: the penalty {} pulls the coefficients towards "
        "0, and the usual formulas would be wrong; {} has none",
        text_param(params, "penalty"),
        learner == "logistic_regression" ? "penalty=none" : "logistic_regression with penalty=none");
  const auto* logistic = dynamic_cast<const LogisticModel*>(&model);
  if (!logistic || logistic->intercepts().size() != 1)
    return "standard errors and p-values are told for two classes only";
  return "";
}

Fitted fitted_of(std::string_view learner, const ParamsView& params, const Model& model,
                 const NumericData& data) {
  Fitted f;
  const auto n = static_cast<std::size_t>(data.x.rows());
  f.sums.resize(n);
  if (learner == "logistic_regression") {
    f.name = "logistic regression";
    f.is_logistic = f.dispersion_is_one = true;
    const auto& m = dynamic_cast<const LogisticModel&>(model);
    linalg::multiply(data.x, m.weights().data<double>(), m.intercepts().data<double>()[0], f.sums);
    for (const std::int32_t label : data.labels) f.truth.push_back(label == data.positive ? 1 : 0);
  } else {
    const auto& m = dynamic_cast<const LinearModel&>(model);
    f.intercept = std::get<bool>(get_param(params, "intercept"));
    linalg::multiply(data.x, m.weights(), m.intercepts()[0], f.sums);
    f.truth = data.y;
    f.is_least_squares = learner == "linear_regression";
    f.name = "least squares";
    if (!f.is_least_squares) {
      const std::string family = text_param(params, "family");
      f.power = family == "poisson" ? 1 : family == "gamma" ? 2 : number_param(params, "power");
      f.dispersion_is_one = f.power == 1;
      f.name = fmt::format("{} regression with log link", family);
    }
  }
  f.weight = data.weights.empty() ? std::vector<double>(n, 1.0) : data.weights;
  f.mean = f.sums;
  f.curvature.resize(n);
  f.pearson.resize(n);
  for (std::size_t r = 0; r < n; ++r) {
    const double eta = f.sums[r];
    if (f.is_logistic) f.mean[r] = eta >= 0 ? 1 / (1 + std::exp(-eta)) : std::exp(eta) / (1 + std::exp(eta));
    if (!f.is_logistic && !f.is_least_squares) f.mean[r] = std::exp(eta);
    const double v = variance_of(f, f.mean[r]);
    const double slope = f.is_least_squares ? 1 : f.is_logistic ? v : f.mean[r];  // d mu / d eta
    f.curvature[r] = f.weight[r] * slope * slope / v;
    f.pearson[r] = f.weight[r] == 0 ? 0 : std::sqrt(f.weight[r] / v) * (f.truth[r] - f.mean[r]);
  }
  return f;
}

void add_fit_and_tests(const Fitted& f, Inference& to) {
  if (f.is_least_squares)
    add_least_squares(f, to);
  else
    add_generalised(f, to);
}

}  // namespace cairn::inference_detail

namespace cairn {
namespace {

Json finite(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json list_of(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double v : values) list.push_back(finite(v));
  return list;
}

}  // namespace

Json to_json(const Inference& i) {
  Json coefficients = Json::array(), fit = Json::object(), tests = Json::array(), influence = Json::array();
  for (const Inference::Row& r : i.coefficients)
    coefficients.push_back({{"feature", r.feature},
                            {"estimate", finite(r.estimate)},
                            {"error", finite(r.error)},
                            {"statistic", finite(r.statistic)},
                            {"p", finite(r.p)},
                            {"low", finite(r.low)},
                            {"high", finite(r.high)},
                            {"vif", finite(r.vif)}});
  for (const Inference::Figure& f : i.fit) fit[f.name] = finite(f.value);
  for (const Inference::Test& t : i.tests)
    tests.push_back({{"name", t.name},
                     {"statistic", finite(t.statistic)},
                     {"df", finite(t.df)},
                     {"df2", finite(t.df2)},
                     {"p", finite(t.p)},
                     {"null", t.asks}});
  for (const Inference::Influence& v : i.influence)
    influence.push_back({{"row", v.row},
                         {"residual", finite(v.residual)},
                         {"leverage", finite(v.leverage)},
                         {"cooks_distance", finite(v.cooks_distance)},
                         {"dffits", finite(v.dffits)}});
  return {{"model", i.model},
          {"statistic", i.by_student ? "t" : "z"},
          {"rows", i.rows},
          {"df_model", i.df_model},
          {"df_residual", i.df_residual},
          {"coefficients", std::move(coefficients)},
          {"aliased", i.aliased},
          {"fit", std::move(fit)},
          {"tests", std::move(tests)},
          {"influential", i.influential},
          {"influence", std::move(influence)},
          {"plots",
           {{"fitted", list_of(i.plots.fitted)},
            {"residual", list_of(i.plots.residual)},
            {"studentised", list_of(i.plots.studentised)},
            {"sorted", list_of(i.plots.sorted)},
            {"normal_quantile", list_of(i.plots.normal_quantile)}}}};
}

}  // namespace cairn
