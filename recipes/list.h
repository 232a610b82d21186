// Every recipe, where its file defines it.
#pragma once

#include "recipes/recipe.h"

namespace cairn::recipes {

extern const Recipe kModelRepresentation, kCostFunction, kDescentOneVariable;  // regression/one_variable.cpp
extern const Recipe kVectors, kMultipleVariables, kFeatureScaling,
    kNormalEquation;                      // regression/several_variables.cpp
extern const Recipe kPolynomialFeatures;  // regression/polynomial_features.cpp
extern const Recipe kSgdHouses;           // regression/sgd_houses.cpp
extern const Recipe kCityProfits;         // regression/city_profits.cpp
extern const Recipe kLineAsClassifier, kSigmoid, kDecisionBoundary,
    kLogisticLoss;  // classification/pictures.cpp
extern const Recipe kLogisticCost, kLogisticDescent, kLibraryLogistic,
    kRegularisedCost;                                    // classification/logistic.cpp
extern const Recipe kAdmissions;                         // classification/admissions.cpp
extern const Recipe kMicrochips;                         // classification/microchips.cpp
extern const Recipe kBoundaries;                         // classification/boundaries.cpp
extern const Recipe kComponents, kSupportVectors;        // classification/support_vectors.cpp
extern const Recipe kPolynomialAdvice;                   // strategy/polynomial_advice.cpp
extern const Recipe kNetworkAdvice;                      // strategy/network_advice.cpp
extern const Recipe kCatsTwoLayers, kCatsFourLayers;     // networks/cats.cpp
extern const Recipe kFootball;                           // networks/football.cpp
extern const Recipe kOneNetwork;                         // networks/one_network_search.cpp
extern const Recipe kZeroOrOne, kTenDigits;              // networks/digits.cpp
extern const Recipe kHappyHouse, kSigns, kSignsQuickly;  // networks/small_pictures.cpp
extern const Recipe kMnistSoftmax, kMnistHidden, kMnistConvolutions,
    kMnistFourConvolutions;                 // networks/mnist.cpp
extern const Recipe kCifarQuickly, kCifar;  // networks/cifar.cpp

}  // namespace cairn::recipes
