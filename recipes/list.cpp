#include "recipes/list.h"

#include <array>

namespace cairn::recipes {

std::span<const Recipe> all_recipes() {
  static const std::array recipes{kModelRepresentation,
                                  kCostFunction,
                                  kDescentOneVariable,
                                  kVectors,
                                  kMultipleVariables,
                                  kFeatureScaling,
                                  kPolynomialFeatures,
                                  kSgdHouses,
                                  kNormalEquation,
                                  kCityProfits,
                                  kLineAsClassifier,
                                  kSigmoid,
                                  kDecisionBoundary,
                                  kLogisticLoss,
                                  kLogisticCost,
                                  kLogisticDescent,
                                  kLibraryLogistic,
                                  kRegularisedCost,
                                  kAdmissions,
                                  kMicrochips,
                                  kBoundaries,
                                  kComponents,
                                  kSupportVectors,
                                  kPolynomialAdvice,
                                  kNetworkAdvice,
                                  kCatsTwoLayers,
                                  kCatsFourLayers,
                                  kFootball,
                                  kOneNetwork,
                                  kZeroOrOne,
                                  kTenDigits,
                                  kHappyHouse,
                                  kSigns,
                                  kSignsQuickly,
                                  kMnistSoftmax,
                                  kMnistHidden,
                                  kMnistConvolutions,
                                  kMnistFourConvolutions,
                                  kCifarQuickly,
                                  kCifar};
  return recipes;
}

}  // namespace cairn::recipes
