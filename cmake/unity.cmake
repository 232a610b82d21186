# Sources of a folder that are compiled several at a time (CAIRN_UNITY): most of what a source costs is reading the same headers
# and compiling the same templates again. What a source names for itself (anonymous namespaces) must then differ from what its
# neighbours name; the sources listed here have such a name and are compiled alone, as are those that Highway includes again. (decisions.cpp: beside
# others g++ 12 sees a free of the middle of a block there, where there is none.)
set(CAIRN_ALONE
  cairn/check/data_looks.cpp
  cairn/data/csv.cpp
  cairn/data/describe.cpp
  cairn/data/impute.cpp
  cairn/data/interactions.cpp
  cairn/data/near_copies.cpp
  cairn/data/one_hot.cpp
  cairn/data/ordinal.cpp
  cairn/data/pixels.cpp
  cairn/data/polynomial.cpp
  cairn/data/power.cpp
  cairn/data/scale.cpp
  cairn/data/target_encode.cpp
  cairn/data/tf_idf.cpp
  cairn/data/time_order.cpp
  cairn/image/png.cpp
  cairn/kernels/onednn/product.cpp
  cairn/kernels/table.cpp
  cairn/linear/inference.cpp
  cairn/linear/kernel_svm.cpp
  cairn/linear/linear_model.cpp
  cairn/linear/linear_svm.cpp
  cairn/linear/logistic_explain.cpp
  cairn/linear/row_losses.cpp
  cairn/linear/standard_design.cpp
  cairn/metrics/decisions.cpp
  cairn/metrics/interval.cpp
  cairn/metrics/paired.cpp
  cairn/model/blend_choice.cpp
  cairn/model/conformal.cpp
  cairn/model/tuning.cpp
  cairn/neighbors/product_search.cpp
  cairn/ops/conv2d.cpp
  cairn/ops/dropout.cpp
  cairn/ops/elementwise_compare.cpp
  cairn/ops/embedding.cpp
  cairn/ops/layer_norm.cpp
  cairn/ops/linear.cpp
  cairn/ops/loss_binary.cpp
  cairn/ops/loss_class.cpp
  cairn/ops/loss_distance.cpp
  cairn/ops/loss_regression.cpp
  cairn/ops/loss_table.cpp
  cairn/ops/pool2d.cpp
  cairn/ops/pool2d_adaptive.cpp
  cairn/ops/reduce_extreme.cpp
  cairn/ops/shape_join.cpp
  cairn/ops/softmax.cpp
  cairn/optim/schedule.cpp
  cairn/readers/idx.cpp
  cairn/readers/json_lines.cpp
  cairn/readers/libsvm.cpp
  cairn/readers/mat.cpp
  cairn/readers/pictures.cpp
  cairn/readers/sqlite.cpp
  cairn/report/inference_sections.cpp
  cairn/report/recipe_page.cpp
  cairn/report/terminal.cpp
  cairn/report/tuning_sections.cpp
  cairn/run/describe_run.cpp
  cairn/run/measure.cpp
  cairn/run/pictures.cpp
  cairn/run/read.cpp
  cairn/run/split_checks.cpp
  cairn/run/trial_file.cpp
  cairn/run/tune.cpp
  cairn/solve/lbfgs.cpp
  cairn/solve/newton.cpp
  cairn/solve/orthant_wise.cpp
  cairn/solve/proximal_newton.cpp
  cairn/tensor/view_ops.cpp
  cairn/train/picture_model.cpp
  cairn/tree/boost_rounds.cpp
  cairn/tree/boost_train.cpp
  cairn/tree/cart_two_classes.cpp
  cairn/tree/exchange/cpp_export.cpp
  cairn/tree/exchange/lightgbm_import.cpp
  cairn/tree/exchange/onnx_import.cpp
  cairn/tree/exchange/xgboost_export.cpp
  cairn/tree/forest.cpp
  cairn/tree/gradient_boosting.cpp
  cairn/tree/histogram.cpp
  cairn/tree/objective/best_constant.cpp
  cairn/tree/objective/lambda_rank.cpp
  cairn/tree/objective/objective.cpp
  cairn/tree/objective/survival.cpp
  cairn/tree/proximity.cpp
  cairn/tree/quantile_forest.cpp
  cairn/tree/ranks.cpp
  cairn/tree/row_sampling.cpp
  cairn/tree/shap.cpp
  cairn/tree/split_search.cpp
  cairn/tree/tree_arrays.cpp
  cairn/tree/tree_contributions.cpp
  cairn/tree/tree_data.cpp
  recipes/classification/boundaries.cpp
  recipes/classification/microchips.cpp
  recipes/classification/trees.cpp
  recipes/course_data.cpp
  recipes/networks/cats_logistic.cpp
  recipes/networks/circles.cpp
  recipes/networks/digits.cpp
  recipes/networks/flower.cpp
  recipes/networks/football.cpp
  recipes/networks/mnist.cpp
  recipes/networks/moons.cpp
  recipes/networks/one_network_search.cpp
  recipes/networks/softmax_jacobian.cpp
  recipes/regression/city_profits.cpp
  recipes/regression/one_variable.cpp
  recipes/regression/polynomial_features.cpp
  recipes/regression/sgd_houses.cpp
  recipes/steps/convolution.cpp
  recipes/steps/deep_network.cpp
  recipes/steps/gradient_check.cpp
  recipes/steps/numpy_basics.cpp
  recipes/steps/softmax.cpp
  recipes/strategy/network_advice.cpp
  recipes/strategy/polynomial_advice.cpp
  recipes/ways.cpp
  tests/contract/learners_test.cpp
  tests/contract/ops_test.cpp
  tests/data/describe_test.cpp
  tests/data/encoders_golden_test.cpp
  tests/data/encoders_test.cpp
  tests/data/lags_test.cpp
  tests/data/split_plan_test.cpp
  tests/data/split_test.cpp
  tests/data/transform_contract_test.cpp
  tests/data/transforms_golden_test.cpp
  tests/data/transforms_test.cpp
  tests/golden/network_units_test.cpp
  tests/linear/least_squares_test.cpp
  tests/linear/linear_families_test.cpp
  tests/linear/logistic_golden_test.cpp
  tests/linear/logistic_regression_test.cpp
  tests/linear/sgd_test.cpp
  tests/metrics/paired_test.cpp
  tests/model/tuning_test.cpp
  tests/nn/layers_test.cpp
  tests/nn/module_test.cpp
  tests/nn/network_test.cpp
  tests/ops/tensor_ops_test.cpp
  tests/readers/json_lines_test.cpp
  tests/readers/libsvm_test.cpp
  tests/readers/sqlite_test.cpp
  tests/readers/text_lines_test.cpp
  tests/report/report_test.cpp
  tests/train/trainer_test.cpp
  tests/tree/cart_test.cpp
  tests/tree/demands_test.cpp
  tests/tree/ensemble_test.cpp
  tests/tree/export_test.cpp
  tests/tree/forest_test.cpp
  tests/tree/hard_rows_test.cpp
  tests/tree/onnx_import_test.cpp
  tests/tree/quantile_forest_test.cpp
  tests/tree/ranking_test.cpp
  tests/tree/shap_test.cpp
  tests/tree/shared_trees_test.cpp
  tests/tree/survival_test.cpp)

function(cairn_unite target)
  if(NOT CAIRN_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  # g++ takes an included source for a header, whose types should not rest on unnamed ones; of a source it does not say so.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    if(NOT source MATCHES "\\.cpp$")
      continue()
    endif()
    cmake_path(ABSOLUTE_PATH source NORMALIZE OUTPUT_VARIABLE path)
    cmake_path(RELATIVE_PATH path BASE_DIRECTORY ${CMAKE_SOURCE_DIR})
    file(STRINGS ${CMAKE_SOURCE_DIR}/${path} again LIMIT_COUNT 1 REGEX "hwy/foreach_target.h")
    if(again OR path IN_LIST CAIRN_ALONE)
      set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()
