// What a report shows of pictures: some of each class, the worst errors, what the first layer looks for.
#pragma once

#include "cairn/base/json.h"
#include "cairn/model/evaluate.h"

namespace cairn {

// Some of the pictures of a table that is looked at: {"width", "height", "channels", "samples": [{class?,
// png}]}, of each class where a target of few classes is named; null without pictures.
Json sample_pictures(const Dataset& rows);

// {"samples": [{class, png}], "worst": [{truth, said, probability, of_truth, row, file?, png}], "filters":
// [png]}; null when the rows hold no pictures. `judged` is of these rows, in their order. Pictures are PNG in
// base64.
Json pictures_to_json(const Model& model, const Dataset& rows, const Judged& judged);

}  // namespace cairn
