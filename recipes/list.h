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
extern const Recipe kCatTree, kMushrooms, kHeart;        // classification/trees.cpp
extern const Recipe kBoundaries;                         // classification/boundaries.cpp
extern const Recipe kComponents, kSupportVectors;        // classification/support_vectors.cpp
extern const Recipe kOverfitting, kPolynomialAdvice;     // strategy/polynomial_advice.cpp
extern const Recipe kNetworkAdvice;                      // strategy/network_advice.cpp
extern const Recipe kCatsTwoLayers, kCatsFourLayers;     // networks/cats.cpp
extern const Recipe kFootball;                           // networks/football.cpp
extern const Recipe kOneNetwork;                         // networks/one_network_search.cpp
extern const Recipe kZeroOrOne, kTenDigits;              // networks/digits.cpp
extern const Recipe kHappyHouse, kSigns, kSignsQuickly;  // networks/small_pictures.cpp
extern const Recipe kMnistSoftmax, kMnistHidden, kMnistConvolutions,
    kMnistFourConvolutions;                                   // networks/mnist.cpp
extern const Recipe kCifarQuickly, kCifar;                    // networks/cifar.cpp
extern const Recipe kNumpyBasics;                             // steps/numpy_basics.cpp
extern const Recipe kUnits, kCoffee, kCoffeeGiven;            // steps/units.cpp
extern const Recipe kRectifiers, kSoftmaxForms, kFourClouds;  // steps/softmax.cpp
extern const Recipe kDerivatives, kBackPropagation;           // steps/derivatives.cpp
extern const Recipe kDeepNetwork;                             // steps/deep_network.cpp
extern const Recipe kGradientCheck;                           // steps/gradient_check.cpp
extern const Recipe kConvolution;                             // steps/convolution.cpp
extern const Recipe kCatsLogistic, kCatsTwoApis;              // networks/cats_logistic.cpp
extern const Recipe kFlower, kFrameworks;                     // networks/flower.cpp
extern const Recipe kCircles;                                 // networks/circles.cpp
extern const Recipe kMoons, kMoonsDecay;                      // networks/moons.cpp
extern const Recipe kSignsDense, kSignsDenseSecond;           // networks/signs_dense.cpp
extern const Recipe kSoftmaxJacobian;                         // networks/softmax_jacobian.cpp

}  // namespace cairn::recipes
