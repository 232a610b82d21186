// Numbers come as columns of their own or as one column of named features, dense or sparse (libsvm writes a
// file either way, and leaves out what is 0). A schema asks for one of the two forms; here is the other one
// put into it.
#pragma once

#include <vector>

#include "cairn/data/schema.h"

namespace cairn::schema_detail {

// The table with what `specs` ask for under another form than it has: number columns from among the features
// of a column, a column of features from number columns. What is not there stays away. A feature that a
// sparse column leaves out is 0, which a warning tells.
Table regrouped(const Table& table, const std::vector<ColumnSpec>& specs, std::vector<Warning>* warnings);

// A column of features with exactly those of `spec`, in their order. DataError when a dense one lacks some.
Column as_features(const Column& c, const ColumnSpec& spec, std::vector<Warning>* warnings);

}  // namespace cairn::schema_detail
